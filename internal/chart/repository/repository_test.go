package repository

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// packedChart makes a chart.
func packedChart(t *testing.T, name, version string) *chart.Chart {
	t.Helper()
	dir := t.TempDir()
	text := "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n"
	if err := os.WriteFile(filepath.Join(dir, "Chart.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := chart.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// served is a repository in a folder of a server.
type served struct {
	index  string
	files  map[string][]byte
	wants  string // the Authorization of whoever may read; empty is anybody
	logins []string
}

func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.logins = append(s.logins, r.Header.Get("Authorization"))
	if s.wants != "" && r.Header.Get("Authorization") != s.wants {
		w.Header().Set("WWW-Authenticate", `Basic realm="charts"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch content, ok := s.files[r.URL.Path]; {
	case r.URL.Path == "/stable/index.yaml":
		_, _ = w.Write([]byte(s.index))
	case ok:
		_, _ = w.Write(content)
	default:
		http.NotFound(w, r)
	}
}

func digestOf(archive []byte) string {
	hash := sha256.Sum256(archive)
	return hex.EncodeToString(hash[:])
}

func open(t *testing.T, server *httptest.Server, opts Options) *Repository {
	t.Helper()
	r, err := New(server.URL+"/stable", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestFetch(t *testing.T) {
	one, two := packedChart(t, "op", "1.9.0"), packedChart(t, "op", "1.10.0+b.2")
	repo := &served{
		index: fmt.Sprintf(`apiVersion: v1
entries:
  op:
  - {version: 1.9.0, urls: [op-1.9.0.tgz], digest: %s}
  - {version: 2.0.0-rc.1, urls: [gone.tgz]}
  - {version: 1.10.0+b.2, urls: ['/elsewhere/op.tgz?x=1'], digest: "sha256:%s"}
`, digestOf(one.Archive()), digestOf(two.Archive())),
		files: map[string][]byte{"/stable/op-1.9.0.tgz": one.Archive(), "/elsewhere/op.tgz": two.Archive()},
	}
	server := httptest.NewServer(repo)
	defer server.Close()
	r := open(t, server, Options{})
	tests := []struct{ version, want string }{
		{"1.9.0", "1.9.0"}, {"", "1.10.0+b.2"}, {"~1.9", "1.9.0"}, {"1.x", "1.10.0+b.2"}, {"1.10.0+b.2", "1.10.0+b.2"},
	}
	for _, tt := range tests {
		got, err := r.Fetch(t.Context(), "op", tt.version)
		if err != nil || got.Version() != tt.want {
			t.Errorf("Fetch(%q) = %v, %v, want %s", tt.version, got, err, tt.want)
		}
	}
	if all, err := r.Versions(t.Context(), "op"); err != nil || !slices.Equal(all, []string{"2.0.0-rc.1", "1.10.0+b.2", "1.9.0"}) {
		t.Errorf("Versions = %v, %v", all, err)
	}
	for _, asked := range [][2]string{{"op", "3.0.0"}, {"op", "not one"}, {"other", ""}, {"op", "2.0.0-rc.1"}} {
		_, err := r.Fetch(t.Context(), asked[0], asked[1])
		if !errors.Is(err, registry.ErrNotFound) || !strings.HasPrefix(err.Error(), "source: ") {
			t.Errorf("Fetch(%v) = %v, want %v of the source", asked, err, registry.ErrNotFound)
		}
	}
}

// What the index does not vouch for is refused, and so is what is no chart.
func TestFetchRefuses(t *testing.T) {
	one := packedChart(t, "op", "1.0.0")
	files := map[string][]byte{"/stable/op.tgz": one.Archive(), "/stable/page.tgz": []byte("<html>")}
	index := func(entry string) string {
		return "apiVersion: v1\nentries:\n  op: [{version: 1.0.0, " + entry + "}]\n"
	}
	tests := []struct {
		name, index string
		want        error
	}{
		{"another digest", index("urls: [op.tgz], digest: " + digestOf([]byte("x"))), registry.ErrDigestMismatch},
		{"a page", index("urls: [page.tgz]"), chart.ErrNotAChart},
		{"another chart", strings.ReplaceAll(index("urls: [op.tgz]"), "op:", "op2:"), chart.ErrNotAChart},
		{"gone", index("urls: [gone.tgz]"), registry.ErrNotFound},
		{"no address", index("urls: []"), nil},
		{"a file", index("urls: ['file:///etc/passwd']"), nil},
		{"a login", index("urls: ['https://a:b@example.com/op.tgz']"), nil},
		{"plain HTTP elsewhere", index("urls: ['http://charts.example.com/op.tgz']"), registry.ErrPlainHTTP},
		{"no index", "<html>\n", nil},
		{"no entries", "{}", nil},
	}
	for _, tt := range tests {
		server := httptest.NewServer(&served{index: tt.index, files: files})
		r := open(t, server, Options{})
		name := "op"
		if strings.Contains(tt.index, "op2:") {
			name = "op2"
		}
		got, err := r.Fetch(t.Context(), name, "1.0.0")
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: Fetch = %v, %v, want %v", tt.name, got, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "a:b@") {
			t.Errorf("%s: Fetch = %v, which repeats a password", tt.name, err)
		}
		server.Close()
	}
}

// keychain knows one login for every host.
type keychain struct{}

// Resolve implements authn.Keychain.
func (keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: "robot", Password: "s3cret"}, nil
}

// A login is for the repository's own server, and neither for one that its index names nor
// for one to which it redirects.
func TestCredentialsStayWithTheirServer(t *testing.T) {
	const robot = "Basic cm9ib3Q6czNjcmV0"
	one := packedChart(t, "op", "1.0.0")
	other := &served{files: map[string][]byte{"/op.tgz": one.Archive()}}
	otherServer := httptest.NewServer(other)
	defer otherServer.Close()
	own := &served{wants: robot, files: map[string][]byte{"/stable/op.tgz": one.Archive()}}
	own.index = "entries: {op: [{version: 1.0.0, urls: [op.tgz]}], far: [{version: 1.0.0, urls: ['" + otherServer.URL + "/op.tgz']}], moved: [{version: 1.0.0, urls: [moved]}]}"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stable/moved" {
			http.Redirect(w, r, otherServer.URL+"/op.tgz", http.StatusFound)
			return
		}
		own.ServeHTTP(w, r)
	}))
	defer server.Close()
	r := open(t, server, Options{Keychain: keychain{}})
	if _, err := r.Fetch(t.Context(), "op", ""); err != nil {
		t.Errorf("Fetch with a login = %v", err)
	}
	for _, name := range []string{"far", "moved"} {
		if _, err := r.Fetch(t.Context(), name, ""); !errors.Is(err, chart.ErrNotAChart) { // it is op's
			t.Errorf("Fetch(%s) = %v, want %v", name, err, chart.ErrNotAChart)
		}
	}
	if want := []string{"", ""}; !slices.Equal(other.logins, want) {
		t.Errorf("the other server saw the logins %q, want none twice", other.logins)
	}
	anonymous := open(t, server, Options{})
	if _, err := anonymous.Fetch(t.Context(), "op", ""); !errors.Is(err, registry.ErrUnauthorized) {
		t.Errorf("Fetch without a login = %v, want %v", err, registry.ErrUnauthorized)
	}
}

func TestTooLarge(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		line := bytes.Repeat([]byte("# nothing\n"), 1<<16)
		for n := 0; n <= maxIndex; n += len(line) {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	if _, err := open(t, server, Options{}).Fetch(t.Context(), "op", ""); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("Fetch with an endless index = %v, want that it is too large", err)
	}
}
