package cluster_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// kubeconfigOf is a file that names an address as kubectl would take it.
func kubeconfigOf(t *testing.T, address string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: %q}}]\nusers: [{name: u, user: {token: t}}]\n"+
		"contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n", address)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// before answers some requests before an API server does, with its own bytes.
func before(t *testing.T, server *clustertest.Server, answer func(w http.ResponseWriter, r *http.Request) bool) *cluster.Cluster {
	t.Helper()
	behind, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(front.Close)
	c, err := cluster.Connect(t.Context(), cluster.Access{Kubeconfig: kubeconfigOf(t, front.URL)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A kubeconfig that cannot be used is told from one that is not there, and both from a cluster that does not
// answer.
func TestKubeconfigsThatCannotBeUsed(t *testing.T) {
	server := clustertest.New(t)
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("clusters: [{"), 0o600); err != nil {
		t.Fatal(err)
	}
	long, dense := filepath.Join(dir, "long"), filepath.Join(dir, "dense")
	for file, text := range map[string]string{long: "# " + strings.Repeat("x", 9<<20), dense: "clusters: [" + strings.Repeat("{},", 1<<20) + "]"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	silent := httptest.NewServer(http.NotFoundHandler())
	silent.Close()
	t.Setenv("KUBERNETES_SERVICE_HOST", "") // nor are we in a pod
	for _, tt := range []struct {
		name, env  string
		access     cluster.Access
		kubeconfig bool
		says       string
	}{
		{"no YAML", "", cluster.Access{Kubeconfig: broken}, true, "broken"},
		{"too large", long + string(filepath.ListSeparator) + broken, cluster.Access{}, true, long + ": it is too large to be what it should be: more than 8388608 bytes"},
		{"too many values", "", cluster.Access{Kubeconfig: dense}, true, dense + ": it has more values than any file that is written for what it says"},
		{"no such context", "", cluster.Access{Kubeconfig: server.Kubeconfig(t), Context: "other"}, true, `"other"`},
		{"a variable that leads nowhere", filepath.Join(dir, "none"), cluster.Access{}, true, "$KUBECONFIG: stat " + filepath.Join(dir, "none")},
		{"nobody listens", "", cluster.Access{Kubeconfig: kubeconfigOf(t, silent.URL)}, false, silent.URL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", tt.env)
			_, err := cluster.Connect(t.Context(), tt.access)
			if !errors.Is(err, cluster.ErrNoCluster) || errors.Is(err, cluster.ErrKubeconfig) != tt.kubeconfig || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("Connect() = %v, want ErrNoCluster, ErrKubeconfig %v, and %s named", err, tt.kubeconfig, tt.says)
			}
		})
	}
}

// The variable is what kubectl takes, and an address without a scheme is one.
func TestConnectAsKubectlDoes(t *testing.T) {
	server := clustertest.New(t)
	t.Setenv("KUBECONFIG", kubeconfigOf(t, strings.TrimPrefix(server.URL, "http://")))
	c, err := cluster.Connect(t.Context(), cluster.Access{UserAgent: "me/1"})
	if err != nil || c.Version() != clustertest.Version {
		t.Fatalf("Connect() by $KUBECONFIG = %v", err)
	}
	seen := ""
	server.Refuse(func(r *http.Request) *clustertest.Refusal {
		seen = r.UserAgent()
		return nil
	})
	if _, err := c.HasNamespace(t.Context(), "default"); err != nil || seen != "me/1" {
		t.Errorf("a request came from %q, %v, want the user agent", seen, err)
	}
}

// An answer that is none is an error, and no version.
func TestVersionsThatAreNone(t *testing.T) {
	for _, body := range []string{"<html>a login page</html>", `{"gitVersion": 3}`, ""} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		t.Cleanup(server.Close)
		if _, err := cluster.Connect(t.Context(), cluster.Access{Kubeconfig: kubeconfigOf(t, server.URL)}); !errors.Is(err, cluster.ErrNoCluster) || !strings.Contains(err.Error(), server.URL) {
			t.Errorf("Connect() answered with %q = %v, want ErrNoCluster and the address", body, err)
		}
	}
}

// The end of a log is asked for, so many lines, and what the kubelet says against it is handed on.
func TestLogTail(t *testing.T) {
	server := clustertest.New(t)
	asked, code := "", http.StatusOK
	c := before(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/log") {
			return false
		}
		asked = r.URL.String()
		if code == http.StatusOK {
			_, _ = io.WriteString(w, "one\ntwo\n")
			return true
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		reason := map[int]string{http.StatusForbidden: "Forbidden", http.StatusBadRequest: "BadRequest"}[code]
		_, _ = fmt.Fprintf(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": %d, "reason": %q, "message": "container is waiting to start"}`, code, reason)
		return true
	})
	log, err := c.LogTail(t.Context(), "pg", "mirror-0", 7)
	if err != nil || string(log) != "one\ntwo\n" || asked != "/api/v1/namespaces/pg/pods/mirror-0/log?tailLines=7" {
		t.Errorf("LogTail() = %q, %v, asked %s", log, err, asked)
	}
	for _, code = range []int{http.StatusForbidden, http.StatusBadRequest} {
		log, err := c.LogTail(t.Context(), "pg", "mirror-0", 7)
		if log != nil || !strings.Contains(fmt.Sprint(err), "log of pod mirror-0: container is waiting to start") || errors.Is(err, cluster.ErrDenied) != (code == http.StatusForbidden) {
			t.Errorf("LogTail() answered by %d = %q, %v, want the kubelet's words, ErrDenied for 403 alone", code, log, err)
		}
	}
}

// What makes clients of its own, as helm does, makes them for the same cluster, and cannot change ours.
func TestGetter(t *testing.T) {
	c := clustertest.New(t).Connect(t)
	config, err := c.Getter().ToRESTConfig()
	if err != nil || config.Host != c.Host() {
		t.Fatalf("ToRESTConfig() = %v, %v, want %s", config, err, c.Host())
	}
	config.Host = "http://127.0.0.1:1"
	if again, err := c.Getter().ToRESTConfig(); err != nil || again.Host != c.Host() {
		t.Errorf("ToRESTConfig() after a change = %v, %v, want the cluster's", again, err)
	}
	namespace, _, err := c.Getter().ToRawKubeConfigLoader().Namespace()
	if err != nil || namespace != "default" {
		t.Errorf("ToRawKubeConfigLoader().Namespace() = %q, %v, want default", namespace, err)
	}
}

// A prerequisite is there when its kinds are, whether or not its webhook answers.
func TestHasPrerequisite(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	for _, want := range []bool{false, true} {
		if has, err := c.HasPrerequisite(t.Context(), certManager); has != want || err != nil {
			t.Errorf("HasPrerequisite() = %v, %v, want %v", has, err, want)
		}
		server.Put(t, issuerCRD)
		c.Refresh()
	}
	server.Refuse(refusing("POST", "/issuers", 500, "InternalError", "failed calling webhook: connection refused"))
	_, err := c.CheckPrerequisite(t.Context(), certManager, "default")
	if want := "cert-manager's webhook does not answer: failed calling webhook: connection refused"; err == nil || !strings.HasSuffix(err.Error(), "failed calling webhook: connection refused") || !strings.HasPrefix(err.Error(), "cert-manager's webhook does not answer: ") {
		t.Errorf("CheckPrerequisite() = %v, want %s", err, want)
	}
	of := certManager
	of.Of = "pgbouncer"
	for prerequisite, want := range map[*cluster.Prerequisite]string{
		&certManager: "cert-manager is not installed, and the operator needs it",
		&of:          "cert-manager is not installed, and the chart pgbouncer needs it",
	} {
		if err := (&cluster.PrerequisiteError{Prerequisite: *prerequisite, Err: cluster.ErrNoPrerequisite}); err.Error() != want {
			t.Errorf("PrerequisiteError = %q, want %q", err, want)
		}
	}
}
