package cluster_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

const (
	chartRepository = "tanzu-sql-postgres/vmware-sql-postgres-operator"
	liteImage       = "tanzu-sql-postgres/postgres-instance:v17.5-lite-v4.3.1"
)

// witness remembers what a registry was asked. It hangs up on everybody once it is down.
type witness struct {
	mu    sync.Mutex
	asked []string
	down  bool
}

func (w *witness) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, r.Method+" "+r.URL.Path)
		down := w.down
		w.mu.Unlock()
		if down {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(rw, r)
	})
}

// reset returns what was asked since the last time.
func (w *witness) reset() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

// far is a site behind an air gap: its private registry is empty, and the bundle pg.tar of
// PostgreSQL 17.5 has come across. The vendor's registry cannot be reached any more.
type far struct {
	*site
	vendor, private *witness
	// source is the vendor's registry; bundle is where the file lies.
	source *registrytest.Registry
	bundle string
}

func newFar(t *testing.T) *far {
	t.Helper()
	need(t)
	f := &far{vendor: &witness{}, private: &witness{}, bundle: filepath.Join(t.TempDir(), "pg.tar")}
	f.source = registrytest.Front(t, registrytest.InProcess(t, registrytest.Options{}), f.vendor.wrap)
	release, err := standin.New(standin.Options{Bytes: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release.Push(t.Context(), ref.Folder{Host: f.source.Host}); err != nil {
		t.Fatal(err)
	}
	f.site = siteOf(t, lab.At(t, registrytest.Front(t, private(t, "", false), f.private.wrap)))
	f.save(t, f.bundle, "--versions", "17.5")
	return f
}

// save writes a bundle while the vendor's registry can be reached.
func (f *far) save(t *testing.T, file string, args ...string) {
	t.Helper()
	f.vendor.mu.Lock()
	f.vendor.down = false
	f.vendor.mu.Unlock()
	ends(t, 0, f.bare(t, append([]string{"save", "--source", f.source.Host, "-f", file}, args...)...))
	f.vendor.reset()
	f.vendor.mu.Lock()
	f.vendor.down = true
	f.vendor.mu.Unlock()
}

func (f *far) load(t *testing.T, file string, args ...string) {
	t.Helper()
	ends(t, 0, f.bare(t, append([]string{"load", "-f", file, "--registry", f.Registry.Host}, args...)...))
}

// install runs `pgrelocate install --bundle` without waiting for an operator that nothing runs.
func (f *far) install(t *testing.T, want int, file string, args ...string) (stdout, stderr string) {
	t.Helper()
	return f.exits(t, want, append([]string{"install", "--bundle", file, "--registry", f.Registry.Host, "--wait=false"}, args...)...)
}

// fetchedChart tells whether somebody downloaded the chart from the private registry.
func (f *far) fetchedChart() bool {
	return slices.ContainsFunc(f.private.reset(), func(request string) bool {
		return strings.HasPrefix(request, "GET /v2/"+chartRepository+"/blobs/")
	})
}

// wantInstalled wants the operator's release, from the private registry, with these versions.
func (f *far) wantInstalled(t *testing.T, offered ...string) {
	t.Helper()
	if got := f.state(t); got != "deployed" {
		t.Errorf("helm records %q, want deployed", got)
	}
	deployment, err := f.dynamic.Resource(deployments).Namespace(f.namespace).Get(t.Context(), "postgres-operator", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	containers, _, _ := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
	if got, want := containers[0].(map[string]any)["image"], f.Registry.Host+"/tanzu-sql-postgres/postgres-operator:v4.3.1"; got != want {
		t.Errorf("the operator's image = %v, want %v", got, want)
	}
	list, err := f.dynamic.Resource(postgresversions).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, item := range list.Items {
		got = append(got, item.GetName())
	}
	if slices.Sort(got); !slices.Equal(got, offered) {
		t.Errorf("users can pick %v, want %v", got, offered)
	}
}

// The operator is installed from the bundle and the private registry alone: the chart comes
// out of the bundle, and nobody asks the vendor's registry anything.
func TestInstallFromBundle(t *testing.T) {
	f := newFar(t)
	f.load(t, f.bundle)
	f.private.reset()
	_, messages := f.install(t, 0, f.bundle, "--only-mirrored")
	if want := f.Registry.Host + " holds what the bundle does: 5 artifacts"; !strings.Contains(messages, want) {
		t.Errorf("install says\n%s\nwant %q", messages, want)
	}
	f.wantInstalled(t, "postgres-17.5", "postgres-17.5-lite")
	if f.fetchedChart() {
		t.Error("install --bundle downloaded the chart from the private registry")
	}
	if asked := f.vendor.reset(); len(asked) > 0 {
		t.Errorf("the vendor's registry was asked %v, want nothing", asked)
	}

	// Without the bundle the chart comes from the registry, and is the same.
	f.exits(t, 0, "install", "--registry", f.Registry.Host, "--wait=false", "--only-mirrored")
	if !f.fetchedChart() {
		t.Error("install did not download the chart: this test cannot tell where it comes from")
	}
	f.wantInstalled(t, "postgres-17.5", "postgres-17.5-lite")
}

// A delta leaves out what the registry has, the chart too. The registry was found to hold it,
// and so the chart is taken from there.
func TestInstallFromDelta(t *testing.T) {
	f := newFar(t)
	delta := filepath.Join(t.TempDir(), "next.tar")
	f.save(t, delta, "--versions", "17.5,16.9", "--since", f.bundle)
	f.load(t, f.bundle)
	f.load(t, delta)
	f.install(t, 0, delta, "--only-mirrored")
	f.wantInstalled(t, "postgres-16.9", "postgres-16.9-lite", "postgres-17.5", "postgres-17.5-lite")
	if asked := f.vendor.reset(); len(asked) > 0 {
		t.Errorf("the vendor's registry was asked %v, want nothing", asked)
	}
}

// Where the private registry or the bundle is not what it should be, the cluster stays as
// it is.
func TestInstallRefusesBundle(t *testing.T) {
	f := newFar(t)
	f.load(t, f.bundle)
	spoilt := filepath.Join(t.TempDir(), "spoilt.tar")
	f.spoilChart(t, spoilt)
	tests := []struct {
		name   string
		bundle string
		spoil  func(*testing.T)
		words  []string
	}{
		{"the chart was changed in the bundle", spoilt, nil, []string{"in the bundle: reading the chart " + chartRepository + "@", ": digest mismatch"}},
		{"an image is another one", f.bundle, func(t *testing.T) { f.move(t, liteImage) },
			[]string{liteImage + " holds sha256:", "; the lock has sha256:", "the registry does not hold what the bundle does", "pgrelocate load"}},
		{"an image is missing", f.bundle, func(t *testing.T) { f.untag(t, liteImage) },
			[]string{liteImage + " is missing; the lock has sha256:", "the registry does not hold what the bundle does", "pgrelocate load"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.spoil != nil {
				tt.spoil(t)
			}
			before := f.objects(t)
			out, messages := f.install(t, 5, tt.bundle)
			if after := f.objects(t); after != before {
				t.Errorf("an install that was refused changed the cluster:\nbefore\n%s\nafter\n%s", before, after)
			}
			for _, word := range tt.words {
				if !strings.Contains(messages, word) {
					t.Errorf("install says\n%s\nwant %q", messages, word)
				}
			}
			if out != "" {
				t.Errorf("install prints %q, want nothing", out)
			}
		})
	}
	// It was nothing else that stood in the way.
	f.load(t, f.bundle)
	f.install(t, 0, f.bundle, "--only-mirrored")
}

// Verify holds the registry against the bundle, which tells what no cluster can: that a tag
// holds another image than the one that crossed the gap.
func TestVerifyAgainstBundle(t *testing.T) {
	f := newFar(t)
	f.load(t, f.bundle)
	f.install(t, 0, f.bundle, "--only-mirrored")
	f.rollOut(t)
	verify := func(want int, bundle ...string) (stdout, stderr string) {
		return f.exits(t, want, append([]string{"verify", "--registry", f.Registry.Host}, bundle...)...)
	}
	out, messages := verify(0, "--bundle", f.bundle)
	if want := f.Registry.Host + " holds what the bundle does: 5 artifacts"; !strings.Contains(messages, want) || !strings.Contains(out, "postgres-17.5-lite") {
		t.Errorf("verify --bundle says\n%s%s\nwant %q and the versions", out, messages, want)
	}

	f.move(t, liteImage)
	verify(0) // it can be pulled, after all
	_, messages = verify(5, "--bundle", f.bundle)
	for _, want := range []string{liteImage + " holds " + f.Registry.Digest(t, liteImage).String() + "; the lock has sha256:", "the registry does not hold what the bundle does"} {
		if !strings.Contains(messages, want) {
			t.Errorf("verify --bundle says\n%s\nwant %q", messages, want)
		}
	}
	if got := strings.Count(messages, "the lock has"); got != 1 {
		t.Errorf("verify --bundle finds %d differences, want one:\n%s", got, messages)
	}

	// One thing that is wrong does not hide another, and programs are told both.
	f.edit(t, "postgres-17.5", "elsewhere.example.com/postgres-instance:v17.5-v4.3.1")
	out, messages = verify(5, "--bundle", f.bundle, "-o", "json")
	var check struct {
		OK       bool
		Problems []string
		Versions []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(out), &check); err != nil || check.OK || len(check.Versions) != 2 || len(check.Problems) != 2 {
		t.Fatalf("verify --bundle -o json = %s, %v, want two problems and two versions", out, err)
	}
	for i, want := range []string{liteImage + " holds sha256:", "postgres-17.5 cannot be pulled"} {
		if !strings.Contains(check.Problems[i], want) || !strings.Contains(messages, want) {
			t.Errorf("verify --bundle -o json has problem %q, and says\n%s\nwant %q in both", check.Problems[i], messages, want)
		}
	}

	f.load(t, f.bundle, "--on-conflict", "update")
	f.install(t, 0, f.bundle, "--only-mirrored")
	f.rollOut(t)
	verify(0, "--bundle", f.bundle)
	if asked := f.vendor.reset(); len(asked) > 0 {
		t.Errorf("the vendor's registry was asked %v, want nothing", asked)
	}
}

// move puts another image under a tag.
func (f *far) move(t *testing.T, repositoryAndTag string) {
	t.Helper()
	other, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	f.Registry.Push(t, repositoryAndTag, other)
}

// untag removes a tag from the registry's disk.
func (f *far) untag(t *testing.T, repositoryAndTag string) {
	t.Helper()
	untag(t, f.Registry, repositoryAndTag)
}

func untag(t *testing.T, registry *registrytest.Registry, repositoryAndTag string) {
	t.Helper()
	repository, tag, _ := strings.Cut(repositoryAndTag, ":")
	folder := filepath.Join(registry.Root, "docker/registry/v2/repositories", repository, "_manifests/tags", tag)
	if _, err := os.Stat(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
}

// spoilChart copies the bundle and changes a byte of the packed chart in it.
func (f *far) spoilChart(t *testing.T, to string) {
	t.Helper()
	body, err := os.ReadFile(f.bundle)
	if err != nil {
		t.Fatal(err)
	}
	packed := []byte{0x1f, 0x8b} // gzip's magic: layers of the stand-in are not compressed
	at := bytes.Index(body, packed)
	if at < 0 {
		t.Fatal("the bundle holds no packed chart")
	}
	body[at+100] ^= 0xff
	if err := os.WriteFile(to, body, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rollOut plays the part of controllers and nodes: the operator runs.
func (f *far) rollOut(t *testing.T) {
	t.Helper()
	client := f.dynamic.Resource(deployments).Namespace(f.namespace)
	deployment, err := client.Get(t.Context(), "postgres-operator", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	replicas, _, _ := unstructured.NestedInt64(deployment.Object, "spec", "replicas")
	deployment.Object["status"] = map[string]any{
		"observedGeneration": deployment.GetGeneration(), "replicas": replicas,
		"updatedReplicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas,
	}
	if _, err := client.UpdateStatus(t.Context(), deployment, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}
