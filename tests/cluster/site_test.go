package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/v1/remote"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

var (
	secrets             = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	pods                = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	deployments         = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	namespaces          = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	crds                = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	issuers             = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "issuers"}
	postgresversions    = schema.GroupVersionResource{Group: "sql.tanzu.vmware.com", Version: "v1", Resource: "postgresversions"}
	clusterissuers      = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "clusterissuers"}
	certificates        = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "certificates"}
	clusterroles        = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}
	clusterrolebindings = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"}
	postgres            = schema.GroupVersionResource{Group: "sql.tanzu.vmware.com", Version: "v1", Resource: "postgres"}
)

// The accounts of the private registry.
var (
	owner  = registrytest.Account{Username: "owner", Password: "owners-password"}
	puller = registrytest.Account{Username: "puller", Password: "pullers-password", PullOnly: true}
)

// site is a private registry with a relocated release, and a namespace of its own.
type site struct {
	*apiServer
	registry  *registrytest.Registry
	product   *versions.Product
	release   *versions.Release
	artifacts []versions.Artifact
	target    versions.Registry
	namespace string
	dynamic   dynamic.Interface

	mu     sync.Mutex
	events []install.StepEvent
	warned []string
	waits  [][]install.Pending
}

var sites int

// newSite relocates the release, but for what skip says, and removes afterwards what is
// not in a namespace.
func newSite(t *testing.T, skip func(versions.Artifact) bool) *site {
	t.Helper()
	s := &site{apiServer: need(t)}
	s.registry = registrytest.Distribution(t, registrytest.Options{
		Accounts: []registrytest.Account{owner, puller}, Tokens: &registrytest.TokenOptions{},
	})
	sites++
	s.namespace = fmt.Sprintf("pg-%d", sites)
	s.target = versions.Registry{Host: s.registry.Host, Path: "tanzu-sql-postgres"}
	catalogue, err := versions.Load()
	if err != nil {
		t.Fatal(err)
	}
	if s.product, err = catalogue.Product("tanzu"); err != nil {
		t.Fatal(err)
	}
	if s.release, err = s.product.Release("v4.3.1"); err != nil {
		t.Fatal(err)
	}
	if s.artifacts, err = versions.Select(catalogue, versions.Selection{Releases: []string{"v4.3.1"}, Target: s.target}); err != nil {
		t.Fatal(err)
	}
	s.relocate(t, skip)
	if s.dynamic, err = dynamic.NewForConfig(s.admin); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.clean(t) })
	return s
}

// relocate puts the stand-in release into the private registry.
func (s *site) relocate(t *testing.T, skip func(versions.Artifact) bool) {
	t.Helper()
	vendor := registrytest.InProcess(t, registrytest.Options{})
	release, err := standin.New(standin.Options{Release: s.release.Name, Bytes: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	written, err := release.Push(t.Context(), versions.Registry{Host: vendor.Host})
	if err != nil {
		t.Fatal(err)
	}
	for i, artifact := range s.artifacts {
		if skip != nil && skip(artifact) {
			continue
		}
		source, err := name.ParseReference(written[i].Source.String())
		if err != nil {
			t.Fatal(err)
		}
		content, err := ggcr.Image(source)
		if err != nil {
			t.Fatal(err)
		}
		s.registry.Push(t, artifact.Target.Repository+":"+artifact.Target.Tag, content)
	}
}

// chart is the chart in the private registry, its files changed.
func (s *site) chart(t *testing.T, change func(file *helmchart.File)) *chart.Chart {
	t.Helper()
	reg, err := s.dial(s.registry.Host, credentials(owner))
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := chart.Fetch(t.Context(), reg, s.artifacts[0].Target.Repository, s.artifacts[0].Target.Tag)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := fetched.Helm()
	if err != nil {
		t.Fatal(err)
	}
	var files []*loader.BufferedFile
	for _, file := range loaded.Raw {
		change(file)
		files = append(files, &loader.BufferedFile{Name: file.Name, Data: file.Data})
	}
	if loaded, err = loader.LoadFiles(files); err != nil {
		t.Fatal(err)
	}
	saved, err := chartutil.Save(loaded, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	changed, err := chart.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// chartWithCRDsInTemplates is the same chart in the other shape.
func (s *site) chartWithCRDsInTemplates(t *testing.T) *chart.Chart {
	t.Helper()
	return s.chart(t, func(file *helmchart.File) {
		file.Name = strings.Replace(file.Name, "crds/", "templates/crd-", 1)
	})
}

// dial opens the registry as the given user.
func (s *site) dial(host string, login install.Credentials) (install.Registry, error) {
	return remote.New(host, remote.Options{
		Side: registry.SideTarget, Keychain: keychain{login}, CertsDirs: []string{}, RetryTimeout: 5 * time.Second,
	})
}

type keychain struct{ login install.Credentials }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return k.login.Authenticator(), nil
}

func credentials(account registrytest.Account) install.Credentials {
	return install.Credentials{Username: account.Username, Password: account.Password}
}

// connect opens the cluster by a kubeconfig.
func connect(t *testing.T, kubeconfig string) *install.Cluster {
	t.Helper()
	cluster, err := install.Connect(t.Context(), install.Access{Kubeconfig: kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// options install the site's release, without waiting, as the documented service account.
func (s *site) options(t *testing.T) install.Options {
	t.Helper()
	own, err := s.dial(s.registry.Host, credentials(owner))
	if err != nil {
		t.Fatal(err)
	}
	return install.Options{
		Subject: install.Subject{
			Product: s.product, Release: s.release, Artifacts: s.artifacts, Target: s.target,
			PullSecret: "regsecret", HelmRelease: "postgres-operator", Namespace: s.namespace,
		},
		Cluster: connect(t, s.installerFile), Registry: own, Dial: s.dial, Credentials: credentials(puller),
		NoWait: true, Timeout: 20 * time.Second, Hooks: s.hooks(),
	}
}

func (s *site) hooks() install.Hooks {
	return install.Hooks{
		Step: func(e install.StepEvent) { s.mu.Lock(); s.events = append(s.events, e); s.mu.Unlock() },
		Warn: func(text string) { s.mu.Lock(); s.warned = append(s.warned, text); s.mu.Unlock() },
		Waiting: func(p []install.Pending) {
			s.mu.Lock()
			s.waits = append(s.waits, p)
			s.mu.Unlock()
		},
	}
}

func (s *site) verifyOptions(t *testing.T) install.VerifyOptions {
	t.Helper()
	return install.VerifyOptions{
		Cluster: connect(t, s.installerFile), Dial: s.dial, Product: s.product,
		HelmRelease: "postgres-operator", Namespace: s.namespace, PullSecret: "regsecret", NoWorkloads: true,
	}
}

// mustInstall installs and returns the report.
func (s *site) mustInstall(t *testing.T, opts install.Options) *install.Report {
	t.Helper()
	report, err := install.Run(t.Context(), opts)
	if err != nil {
		t.Fatalf("Run() = %v", err)
	}
	return report
}

func (s *site) warnings() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.warned, "\n")
}

// objects counts what there is in the namespace, and of the kinds without one, so that a
// test can tell that nothing was changed.
func (s *site) objects(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	for _, resource := range []schema.GroupVersionResource{secrets, deployments, pods, issuers, crds, postgresversions} {
		client := dynamic.ResourceInterface(s.dynamic.Resource(resource))
		if resource != crds && resource != postgresversions {
			client = s.dynamic.Resource(resource).Namespace(s.namespace)
		}
		list, err := client.List(t.Context(), metav1.ListOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			fmt.Fprintf(&text, "%s %s %s\n", resource.Resource, item.GetName(), item.GetResourceVersion())
		}
	}
	if _, err := s.dynamic.Resource(namespaces).Get(t.Context(), s.namespace, metav1.GetOptions{}); err == nil {
		fmt.Fprintf(&text, "namespace %s\n", s.namespace)
	}
	return text.String()
}

// clean removes what installs leave outside of namespaces. Namespaces themselves stay, for
// no controller is there to empty them.
func (s *site) clean(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	helms := metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=Helm"}
	for _, resource := range []schema.GroupVersionResource{clusterroles, clusterrolebindings, clusterissuers, certificates} {
		client := dynamic.ResourceInterface(s.dynamic.Resource(resource))
		if resource == certificates {
			client = s.dynamic.Resource(resource).Namespace("cert-manager")
		}
		if err := client.DeleteCollection(ctx, metav1.DeleteOptions{}, helms); err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("cleaning up %s: %v", resource.Resource, err)
		}
	}
	for _, name := range []string{"postgresversions.sql.tanzu.vmware.com", "postgres.sql.tanzu.vmware.com"} {
		if err := s.dynamic.Resource(crds).Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("cleaning up %s: %v", name, err)
		}
	}
	for range 200 {
		_, err := s.dynamic.Resource(postgresversions).List(ctx, metav1.ListOptions{})
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the API server goes on serving PostgresVersions")
}
