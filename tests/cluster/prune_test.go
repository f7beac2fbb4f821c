package cluster_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// mirror is a site that the program itself has filled from a vendor's registry, with a lock.
type mirror struct {
	*site
	vendor *registrytest.Registry
	lock   string
	// watcher is a kubeconfig that may see what is in use, as examples/rbac-in-use.yaml has it.
	watcher string
}

func newMirror(t *testing.T) *mirror {
	t.Helper()
	need(t)
	m := &mirror{site: siteOf(t, lab.At(t, private(t, "", false))), vendor: registrytest.InProcess(t, registrytest.Options{})}
	release, err := standin.New(standin.Options{Bytes: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release.Push(t.Context(), ref.Folder{Host: m.vendor.Host}); err != nil {
		t.Fatal(err)
	}
	m.lock = filepath.Join(t.TempDir(), "pgrelocate.lock")
	m.watcher = filepath.Join(t.TempDir(), "watcher")
	if err := lab.Apply(t.Context(), m.admin, filepath.Join("..", "..", "examples", "rbac-in-use.yaml"), nil); err != nil {
		t.Fatal(err)
	}
	if err := lab.WriteKubeconfig(t.Context(), m.admin, m.watcher, "pgrelocate", "pgrelocate-in-use"); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *mirror) copy(t *testing.T, versions string) {
	t.Helper()
	ends(t, 0, m.bare(t, "copy", "--source", m.vendor.Host, "--registry", m.Registry.Host, "--lock", m.lock, "--versions", versions, "--editions", "full"))
}

// prunes runs prune with a kubeconfig.
func (m *mirror) prunes(t *testing.T, want int, kubeconfig, versions string, args ...string) (pruned, string) {
	t.Helper()
	all := append([]string{"prune", "--registry", m.Registry.Host, "--lock", m.lock, "--kubeconfig", kubeconfig, "-o", "json",
		"--versions", versions, "--editions", "full"}, args...)
	return prunedBy(t, want, m.bare(t, all...))
}

// pruned is what prune says.
type pruned struct {
	Items []struct{ Ref, Of, Outcome, Reason, OfferedBy string }
}

func prunedBy(t *testing.T, want int, cmd *exec.Cmd) (p pruned, messages string) {
	t.Helper()
	out, messages := ends(t, want, cmd)
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatalf("prune -o json = %s, %v\n%s", out, err, messages)
	}
	return p, messages
}

// of is what became of each artifact, by its tag: the outcome, and the reason or what offers it.
func (p pruned) of() map[string]string {
	all := map[string]string{}
	for _, i := range p.Items {
		if i.Of == "" {
			all[i.Ref[strings.LastIndex(i.Ref, ":")+1:]] = strings.TrimSpace(i.Outcome + " " + i.Reason + i.OfferedBy)
		}
	}
	return all
}

// pod runs an image, or would if there were nodes.
func (s *site) pod(t *testing.T, name, image string) {
	t.Helper()
	_, err := s.client(t).CoreV1().Pods(s.namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "pg", Image: image}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// pick makes a database of a version.
func (s *site) pick(t *testing.T, namespace, name, version string) {
	t.Helper()
	_, err := s.dynamic.Resource(postgres).Namespace(namespace).Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "sql.tanzu.vmware.com/v1", "kind": "Postgres", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"postgresVersion": map[string]any{"name": version}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// What the cluster uses stays in the registry: what a database has picked, what a pod runs, what the
// operator is. A version that nobody has picked does not keep its image, and is told; the next install
// withdraws it. A cluster that does not tell keeps everything.
func TestPruneAsksTheCluster(t *testing.T) {
	m := newMirror(t)
	m.copy(t, "17.5,16.9,15.13,14.18")
	m.exits(t, 0, "install", "--registry", m.Registry.Host, "--wait=false")
	m.pick(t, m.namespace, "payroll", "postgres-16.9")
	instance := m.Registry.Host + "/tanzu-sql-postgres/postgres-instance:"
	m.pod(t, "left-over", instance+"v15.13-v4.3.1")
	before := m.Registry.Contents(t)

	// The account that installs may not list everything.
	_, messages := ends(t, 1, m.bare(t, "prune", "--registry", m.Registry.Host, "--lock", m.lock, "--kubeconfig", m.installerFile, "--versions", "17.5", "--editions", "full", "--yes"))
	for _, want := range []string{"nothing is deleted, for what the cluster uses is not known", "examples/rbac-in-use.yaml", "--ignore-cluster"} {
		if !strings.Contains(messages, want) {
			t.Errorf("prune without permissions says\n%s\nwant %q", messages, want)
		}
	}
	if now := m.Registry.Contents(t); !maps.Equal(now, before) {
		t.Errorf("prune without permissions left %v of %v", now, before)
	}

	want := map[string]string{
		"v16.9-v4.3.1":  "kept PostgresVersion postgres-16.9 (picked by Postgres " + m.namespace + "/payroll) needs it",
		"v15.13-v4.3.1": "kept Pod " + m.namespace + "/left-over needs it",
		"v14.18-v4.3.1": "to be deleted PostgresVersion postgres-14.18",
	}
	shown, messages := m.prunes(t, 0, m.watcher, "17.5")
	if got := shown.of(); !maps.Equal(got, want) {
		t.Errorf("prune = %q, want %q", got, want)
	}
	if !strings.Contains(messages, "the cluster still offers PostgresVersion postgres-14.18, which nobody uses") {
		t.Errorf("prune says\n%s\nwant what is offered still", messages)
	}
	done, _ := m.prunes(t, 0, m.watcher, "17.5", "--yes")
	want["v14.18-v4.3.1"] = "deleted PostgresVersion postgres-14.18"
	if got := done.of(); !maps.Equal(got, want) {
		t.Errorf("prune --yes = %q, want %q", got, want)
	}
	locked, err := os.ReadFile(m.lock)
	if err != nil || strings.Contains(string(locked), "v14.18") || !strings.Contains(string(locked), "v16.9") {
		t.Errorf("the lock after prune has 14.18, or lacks 16.9: %v", err)
	}
	delete(before, "tanzu-sql-postgres/postgres-instance:v14.18-v4.3.1")
	if now := m.Registry.Contents(t); !slices.Equal(slices.Sorted(maps.Keys(now)), slices.Sorted(maps.Keys(before))) {
		t.Errorf("after prune --yes the registry has %q, want %q", slices.Sorted(maps.Keys(now)), slices.Sorted(maps.Keys(before)))
	}

	m.exits(t, 0, "install", "--registry", m.Registry.Host, "--wait=false")
	if got := m.offered(t); !slices.Equal(got, []string{"postgres-15.13", "postgres-16.9", "postgres-17.5"}) {
		t.Errorf("after an install the cluster offers %q", got)
	}
	m.wantInUse(t)

	// Whoever says so deletes without asking.
	lost, messages := m.prunes(t, 0, m.installerFile, "17.5", "--yes", "--ignore-cluster")
	want = map[string]string{"v16.9-v4.3.1": "deleted", "v15.13-v4.3.1": "deleted"}
	if got := lost.of(); !maps.Equal(got, want) || !strings.Contains(messages, "what the cluster uses is not known") {
		t.Errorf("prune --ignore-cluster = %q, %s, want %q", got, messages, want)
	}
}

// wantInUse wants report to tell what is in use from what is offered.
func (m *mirror) wantInUse(t *testing.T) {
	t.Helper()
	page := filepath.Join(t.TempDir(), "mirror.html")
	out, _ := ends(t, 0, m.bare(t, "report", "--registry", m.Registry.Host, "--lock", m.lock, "--in-use", "--kubeconfig", m.watcher, "-o", "json", "--html", page))
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "PostgresVersion postgres-16.9 (picked by Postgres "+m.namespace+"/payroll)") {
		t.Errorf("the page does not show who uses 16.9: %v", err)
	}
	var picture struct {
		InUse    int
		Releases []struct {
			Artifacts []struct{ Target, UsedBy string }
		}
	}
	if err := json.Unmarshal([]byte(out), &picture); err != nil {
		t.Fatalf("report -o json = %s, %v", out, err)
	}
	got := map[string]string{}
	for _, release := range picture.Releases {
		for _, a := range release.Artifacts {
			if a.UsedBy != "" {
				got[a.Target[strings.LastIndex(a.Target, "/")+1:]] = a.UsedBy
			}
		}
	}
	want := map[string]string{
		"postgres-operator:v4.3.1":        "Deployment " + m.namespace + "/postgres-operator",
		"postgres-instance:v16.9-v4.3.1":  "PostgresVersion postgres-16.9 (picked by Postgres " + m.namespace + "/payroll)",
		"postgres-instance:v15.13-v4.3.1": "Pod " + m.namespace + "/left-over",
	}
	if !maps.Equal(got, want) || picture.InUse != len(want) {
		t.Errorf("report has %q in use, want %q", got, want)
	}
}

// A catalog needs all that it lists, whoever uses it.
func TestPruneKeepsCatalogs(t *testing.T) {
	h := newHerd(t)
	lock := filepath.Join(t.TempDir(), "pg.lock")
	h.runs(t, 0, "copy", "--release", "1.0.0", "--versions", "17.6,16.10", "--lock", lock)
	h.install(t, "--release", "1.0.0")
	prune := func(versions string) map[string]string {
		t.Helper()
		p, _ := prunedBy(t, 0, h.bare(t, "prune", "--product", "elephants", "--catalogue", h.file, "--registry", h.Registry.Host, "--lock", lock,
			"--kubeconfig", h.adminFile, "--release", "1.0.0", "--versions", versions, "-o", "json", "--yes"))
		return p.of()
	}
	want := map[string]string{"16.10-standard-trixie": fmt.Sprintf("kept ClusterImageCatalog %s needs it", h.name("standard-trixie"))}
	if got := prune("17.6"); !maps.Equal(got, want) {
		t.Errorf("prune = %q, want %q", got, want)
	}
	// Once the catalog lists it no more, nothing needs it.
	patch := fmt.Sprintf(`{"spec":{"images":[{"major":17,"image":%q}]}}`, h.image("17.6-standard-trixie"))
	if _, err := h.dynamic.Resource(h.catalogResource()).Patch(t.Context(), h.name("standard-trixie"), types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	want = map[string]string{"16.10-standard-trixie": "deleted"}
	if got := prune("17.6"); !maps.Equal(got, want) {
		t.Errorf("without it in the catalog prune = %q, want %q", got, want)
	}
}
