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
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
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
	*lab.Relocated
	namespace string
	dynamic   dynamic.Interface

	mu     sync.Mutex
	events []install.StepEvent
	warned []string
	waits  [][]readiness.Pending
}

var sites int

// newSite has the release in a registry that nobody can push to, and removes afterwards what is
// not in a namespace.
func newSite(t *testing.T) *site {
	t.Helper()
	need(t).relocate.Do(func() { relocateInto(t, private(t, server.release, false), nil) })
	return siteOf(t, lab.At(t, private(t, server.release, true)))
}

// newSiteWithout leaves out what skip says, nothing where that is nil, and has a registry of its
// own that takes pushes.
func newSiteWithout(t *testing.T, skip func(versions.Artifact) bool) *site {
	t.Helper()
	need(t)
	return siteOf(t, relocateInto(t, private(t, "", false), skip))
}

// private starts a private registry over a folder.
func private(t *testing.T, root string, readOnly bool) *registrytest.Registry {
	t.Helper()
	return registrytest.Distribution(t, registrytest.Options{
		Accounts: []registrytest.Account{owner, puller}, Tokens: &registrytest.TokenOptions{}, Root: root, ReadOnly: readOnly,
	})
}

func relocateInto(t *testing.T, registry *registrytest.Registry, skip func(versions.Artifact) bool) *lab.Relocated {
	t.Helper()
	return lab.Relocate(t, registry, standin.Options{Bytes: 50_000}, skip)
}

func siteOf(t *testing.T, relocated *lab.Relocated) *site {
	t.Helper()
	s := &site{apiServer: server, Relocated: relocated}
	sites++
	s.namespace = fmt.Sprintf("pg-%d", sites)
	var err error
	if s.dynamic, err = dynamic.NewForConfig(s.admin); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.clean(t) })
	return s
}

// chart is the chart in the private registry, its files changed.
func (s *site) chart(t *testing.T, change func(file *helmchart.File)) *chart.Chart {
	t.Helper()
	reg, err := s.Dial(s.Registry.Host, lab.Credentials(owner))
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := chart.Fetch(t.Context(), reg, s.Artifacts[0].Target.Repository, s.Artifacts[0].Target.Tag)
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

// connect opens the cluster by a kubeconfig.
func connect(t *testing.T, kubeconfig string) *cluster.Cluster {
	t.Helper()
	connected, err := cluster.Connect(t.Context(), cluster.Access{Kubeconfig: kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	return connected
}

// options install the site's release, without waiting, as the documented service account.
func (s *site) options(t *testing.T) install.Options {
	t.Helper()
	own, err := s.Dial(s.Registry.Host, lab.Credentials(owner))
	if err != nil {
		t.Fatal(err)
	}
	return install.Options{
		Subject: s.Subject(s.namespace),
		Cluster: connect(t, s.installerFile), Registry: own, Dial: s.Dial, Credentials: lab.Credentials(puller),
		NoWait: true, Timeout: 20 * time.Second, Hooks: s.hooks(),
	}
}

func (s *site) hooks() install.Hooks {
	return install.Hooks{
		Step: func(e install.StepEvent) { s.mu.Lock(); s.events = append(s.events, e); s.mu.Unlock() },
		Warn: func(w install.Warning) { s.mu.Lock(); s.warned = append(s.warned, w.Text); s.mu.Unlock() },
		Waiting: func(p []readiness.Pending) {
			s.mu.Lock()
			s.waits = append(s.waits, p)
			s.mu.Unlock()
		},
	}
}

func (s *site) verifyOptions(t *testing.T) verify.Options {
	t.Helper()
	opts := s.Verification(connect(t, s.installerFile), s.namespace)
	opts.NoWorkloads = true
	return opts
}

// mustInstall installs and returns the report.
func (s *site) mustInstall(t *testing.T, opts install.Options) *install.Outcome {
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
			fmt.Fprintf(&text, "%s %s %s\n", resource.Resource, item.GetName(), state(&item))
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
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := s.forgetSecrets(ctx, s.namespace); err != nil {
		t.Errorf("cleaning up pull secrets: %v", err)
	}
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
	for ctx.Err() == nil {
		_, err := s.dynamic.Resource(postgresversions).List(ctx, metav1.ListOptions{})
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the API server goes on serving PostgresVersions")
}
