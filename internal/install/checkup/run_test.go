package checkup_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/install/checkup"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

const (
	host    = "r.example.com"
	issuers = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: issuers.cert-manager.io}\nspec: {group: cert-manager.io, names: {kind: Issuer, plural: issuers}, scope: Namespaced, versions: [{name: v1}]}\n"
	dbs     = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: dbs.lab.example.com}\nspec: {group: lab.example.com, names: {kind: Db, plural: dbs}, scope: Namespaced, versions: [{name: v1}]}\n"
)

// ward is a cluster to be examined.
type ward struct {
	*clustertest.Server
	checkup.Options
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{Server: clustertest.New(t)}
	w.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: pg}\n---\n"+node("a", "amd64")+"---\n"+issuers+"---\n"+dbs)
	w.Options = checkup.Options{
		Cluster: w.Connect(t), Namespace: "pg", Owner: cluster.Owner{Namespace: "pg", Release: "op"}, PullSecret: "regsecret", Host: host,
		Databases: []schema.GroupKind{{Group: "lab.example.com", Kind: "Db"}},
		Requires: []cluster.Prerequisite{{Product: "cert-manager", Title: "cert-manager", Probe: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "spec": map[string]any{},
		}}}},
		Images:  map[string][]v1.Platform{host + "/op:1": {{OS: "linux", Architecture: "amd64"}}},
		Timeout: 10 * time.Second,
	}
	w.Put(t, secret("pg", "robot", "s3cret"))
	return w
}

func node(name, architecture string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Node\nmetadata: {name: %s}\nstatus: {nodeInfo: {operatingSystem: linux, architecture: %s}}\n", name, architecture)
}

func secret(namespace, user, password string) string {
	content := fmt.Sprintf(`{"auths":{%q:{"username":%q,"password":%q}}}`, host, user, password)
	return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: %s}\ntype: kubernetes.io/dockerconfigjson\ndata: {.dockerconfigjson: %s}\n",
		namespace, base64.StdEncoding.EncodeToString([]byte(content)))
}

func (w *ward) wants(t *testing.T, probe string, status finding.Status, words string) finding.Finding {
	t.Helper()
	all, err := checkup.Run(t.Context(), w.Options)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(all, func(f finding.Finding) bool { return f.Probe == probe })
	if at < 0 || all[at].Status != status || !strings.Contains(all[at].Says, words) {
		t.Errorf("Run() = %+v; want %s %s: …%s…", all, probe, status, words)
		return finding.Finding{}
	}
	return all[at]
}

func TestAllIsWell(t *testing.T) {
	w := newWard(t)
	w.Try = func(context.Context, pullsecret.Credentials) error { return nil }
	before := w.All()
	all, err := checkup.Run(t.Context(), w.Options)
	if err != nil || finding.Worst(all) != finding.OK {
		t.Errorf("Run() = %+v, %v, want all well", all, err)
	}
	w.wants(t, "API server", finding.OK, "Kubernetes "+clustertest.Version)
	w.wants(t, "cert-manager", finding.OK, "its webhook answers")
	w.wants(t, "nodes", finding.OK, "nodes are linux/amd64, and so are the images")
	w.wants(t, "pull secrets", finding.OK, "in 1 namespaces, and the registry accepts it")
	w.wants(t, "cached images", finding.OK, "from Kubernetes 1.35 on")
	if after := w.All(); !slices.Equal(before, after) {
		t.Errorf("Run() changed the cluster: %q, before %q", after, before)
	}
}

func TestPermissions(t *testing.T) {
	w := newWard(t)
	w.Deny("create secrets", "patch customresourcedefinitions.apiextensions.k8s.io")
	found := w.wants(t, "permissions", finding.Failed, "create secrets in namespace pg")
	if found.Remedy != checkup.Allow || len(found.About) != 2 {
		t.Errorf("the finding is about %q, want both permissions", found.About)
	}
}

func TestPrerequisites(t *testing.T) {
	w := newWard(t)
	w.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/issuers") {
			return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: `failed calling webhook "w": no endpoints`}
		}
		return nil
	})
	if found := w.wants(t, "cert-manager", finding.Failed, "no endpoints"); found.Remedy != checkup.MendWebhook {
		t.Errorf("the remedy is %q", found.Remedy)
	}
	w.Refuse(nil)
	w.Remove("customresourcedefinitions.apiextensions.k8s.io", "", "issuers.cert-manager.io")
	w.Options.Cluster.Refresh()
	if found := w.wants(t, "cert-manager", finding.Failed, "is not installed"); found.Remedy != checkup.InstallFirst {
		t.Errorf("the remedy is %q", found.Remedy)
	}
}

// Nodes for which there is no image matter more the fewer others there are.
func TestNodes(t *testing.T) {
	w := newWard(t)
	w.Put(t, node("b", "arm64"))
	w.wants(t, "nodes", finding.Warning, host+"/op:1 has nothing for linux/arm64")
	w.Remove("nodes", "", "a")
	w.wants(t, "nodes", finding.Failed, "nodes are linux/arm64")
	w.Images = nil
	w.wants(t, "nodes", finding.OK, "no image was found")
	w.Deny("list nodes")
	w.wants(t, "nodes", finding.NotLookedAt, "may not be listed")
}

// A pull secret has to be there, be accepted, and last.
func TestSecrets(t *testing.T) {
	w := newWard(t)
	w.Put(t, "apiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: d, namespace: prod}\n")
	if found := w.wants(t, "pull secrets", finding.Warning, "namespace prod lacks the secret regsecret"); !slices.Equal(found.About, []string{"prod"}) {
		t.Errorf("the finding is about %q, want prod", found.About)
	}
	w.Put(t, secret("prod", "robot", "expired"))
	w.Try = func(_ context.Context, login pullsecret.Credentials) error {
		if login.Password == "expired" {
			return errors.New("401 Unauthorized")
		}
		return nil
	}
	w.wants(t, "pull secrets", finding.Failed, "does not accept the secret in namespace prod: 401")
	w.Try = nil
	for user, words := range map[string]string{
		"AWS": "expires in about 12h0m0s", "oauth2accesstoken": "1h0m0s", "00000000-0000-0000-0000-000000000000": "3h0m0s",
	} {
		w.Put(t, secret("prod", user, "x"))
		w.wants(t, "pull secrets", finding.Warning, words)
	}
	token := func(at time.Time) string {
		return "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, at.Unix())) + ".s"
	}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	w.Now = func() time.Time { return now }
	w.Put(t, secret("prod", "u", token(now.Add(-time.Minute))))
	w.wants(t, "pull secrets", finding.Failed, "has expired at 2026-01-01 11:59:00")
	w.Put(t, secret("prod", "u", token(now.Add(2*time.Hour))))
	w.wants(t, "pull secrets", finding.Warning, "expires in about 2h0m0s")
	w.Put(t, secret("prod", "u", token(now.Add(48*time.Hour))))
	w.wants(t, "pull secrets", finding.OK, "in 2 namespaces")
	w.Put(t, strings.Replace(secret("prod", "AWS", "x"), "namespace: prod", "namespace: prod, creationTimestamp: '2026-01-01T02:00:00Z'", 1))
	w.wants(t, "pull secrets", finding.Warning, "expires in about 2h0m0s")
	w.Deny("get secrets")
	w.wants(t, "pull secrets", finding.NotLookedAt, "may not be read")
	w.Host = ""
	w.wants(t, "pull secrets", finding.NotLookedAt, "no private registry is named")
}

// Where the registry gives images to everybody no pull secret is needed; one that is there has to be right.
func TestSecretsOfAnOpenRegistry(t *testing.T) {
	w := newWard(t)
	gives, known := true, true
	w.Anonymous = func(context.Context) (bool, bool) { return gives, known }
	w.Try = func(context.Context, pullsecret.Credentials) error { return nil }
	w.Put(t, "apiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: d, namespace: prod}\n")
	w.wants(t, "pull secrets", finding.OK, "in 1 namespaces, and the registry accepts it; others need none, for r.example.com gives its images without a login")
	w.Remove("secrets", "pg", "regsecret")
	if found := w.wants(t, "pull secrets", finding.OK, "no pull secret is needed"); found.Remedy != "" {
		t.Errorf("the remedy is %q, want none", found.Remedy)
	}
	known, gives = false, false
	if found := w.wants(t, "pull secrets", finding.NotLookedAt, "namespace prod lacks the secret regsecret, and whether r.example.com wants a login cannot be told yet"); found.Remedy != "" {
		t.Errorf("the remedy is %q, want none", found.Remedy)
	}
	known = true
	if found := w.wants(t, "pull secrets", finding.Warning, "namespace prod lacks the secret regsecret"); found.Remedy != checkup.MakeSecret {
		t.Errorf("the remedy is %q, want a secret made", found.Remedy)
	}
	gives = true
	w.Put(t, secret("prod", "robot", "expired"))
	w.Try = func(context.Context, pullsecret.Credentials) error { return errors.New("401 Unauthorized") }
	w.wants(t, "pull secrets", finding.Failed, "does not accept the secret in namespace prod")
}

// A cluster that answers nothing any more ends the examination in time, and does not outlast the run.
func TestAClusterThatFallsSilent(t *testing.T) {
	w := newWard(t)
	asked, release := make(chan struct{}, 100), make(chan struct{})
	w.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.URL.Path == "/api" { // what discovery begins with, for which nobody gives client-go a context
			asked <- struct{}{}
		}
		<-release
		return nil
	})
	defer func() { close(release) }()
	run, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() {
		_, err := checkup.Run(run, w.Options)
		ended <- err
	}()
	<-asked
	enough := errors.New("enough")
	cancel(enough)
	select {
	case err := <-ended:
		if !errors.Is(err, enough) {
			t.Errorf("Run() = %v, want the cause of the end", err)
		}
	case <-time.After(8 * time.Second): // less than the bound of a probe, and than client-go waits
		t.Error("Run() goes on after its context has ended")
	}
	w.Timeout = time.Second
	w.wants(t, "cert-manager", finding.Failed, "no answer within 1s")
}
