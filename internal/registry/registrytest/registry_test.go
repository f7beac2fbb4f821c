package registrytest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

var users = []Account{{Username: "alice", Password: "secret"}, {Username: "bob", Password: "hunter2", PullOnly: true}}

// Every registry takes what is pushed and gives it back, and keeps others out.
func TestRegistries(t *testing.T) {
	tests := []struct {
		name  string
		start func(testing.TB, Options) *Registry
		opts  Options
	}{
		{"in-process plain", InProcess, Options{}},
		{"in-process TLS, basic auth", InProcess, Options{TLS: true, Accounts: users}},
		{"in-process client certificates", InProcess, Options{ClientCerts: true}},
		{"in-process on disk", InProcess, Options{Root: t.TempDir()}},
		{"Debian plain", Debian, Options{}},
		{"Debian TLS, basic auth", Debian, Options{TLS: true, Accounts: users[:1]}},
		{"Debian client certificates", Debian, Options{ClientCerts: true, Accounts: users[:1]}},
		{"Debian tokens", Debian, Options{Accounts: users, Tokens: &TokenOptions{}}},
		{"distribution plain", Distribution, Options{}},
		{"distribution TLS, basic auth", Distribution, Options{TLS: true, Accounts: users[:1]}},
		{"distribution tokens", Distribution, Options{Accounts: users, Tokens: &TokenOptions{}}},
		{"distribution TLS, tokens", Distribution, Options{TLS: true, Accounts: users, Tokens: &TokenOptions{}}},
		{"distribution anonymous tokens", Distribution, Options{Tokens: &TokenOptions{}}},
		{"crane", Crane, Options{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := tt.start(t, tt.opts)
			image, index := randomImage(t), randomIndex(t)
			want := map[string]string{
				"app/image:v1": r.Push(t, "app/image:v1", image).String(),
				"app/index:v1": r.Push(t, "app/index:v1", index).String(),
			}
			if diff := cmp.Diff(want, r.Contents(t)); diff != "" {
				t.Errorf("Contents() (-want +got):\n%s", diff)
			}
			if len(tt.opts.Accounts) > 0 {
				stranger := Account{Username: "alice", Password: "wrong"}
				if _, err := remote.Head(r.Reference(t, "app/image:v1"), r.Remote(t.Context(), stranger)...); err == nil {
					t.Error("Head with a wrong password succeeded")
				}
			}
		})
	}
}

func TestReadOnlyRefusesPushes(t *testing.T) {
	for name, start := range map[string]func(testing.TB, Options) *Registry{
		"in-process": InProcess, "Debian": Debian, "distribution": Distribution,
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Options{ReadOnly: true})
			if err := remote.Write(r.Reference(t, "app:v1"), randomImage(t), r.Remote(t.Context())...); err == nil {
				t.Error("Write to a read-only registry succeeded")
			}
		})
	}
}

// A client without the certificate does not get as far as HTTP.
func TestClientCertificateIsDemanded(t *testing.T) {
	for name, start := range map[string]func(testing.TB, Options) *Registry{"in-process": InProcess, "Debian": Debian} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Options{ClientCerts: true})
			config := r.ClientTLS()
			config.Certificates = nil
			client := http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
			if resp, err := client.Get(r.URL + "/v2/"); err == nil {
				resp.Body.Close()
				t.Errorf("GET /v2/ without a client certificate = %s, want an error", resp.Status)
			}
		})
	}
}

func TestTokensDenyPushing(t *testing.T) {
	r := Distribution(t, Options{Accounts: users, Tokens: &TokenOptions{}})
	r.Push(t, "app:v1", randomImage(t))
	bob := r.Remote(t.Context(), users[1])
	if _, err := remote.Get(r.Reference(t, "app:v1"), bob...); err != nil {
		t.Errorf("Get by an account that may pull: %v", err)
	}
	if err := remote.Write(r.Reference(t, "app:v2"), randomImage(t), bob...); err == nil {
		t.Error("Write by an account that may only pull succeeded")
	}
	if r.Tokens.Issued() == 0 {
		t.Error("Issued() = 0 after a push and a pull")
	}
}

// The registry refuses a token once its lifetime is over, and not before.
func TestTokenLifetime(t *testing.T) {
	for name, start := range map[string]func(testing.TB, Options) *Registry{"Debian": Debian, "distribution": Distribution} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, Options{Tokens: &TokenOptions{Lifetime: 2 * time.Second}})
			r.Push(t, "app:v1", randomImage(t))
			repo := r.Reference(t, "app:v1").Context()
			puller, err := remote.NewPuller(r.Remote(t.Context())...)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := puller.Head(t.Context(), repo.Tag("v1")); err != nil {
					t.Fatalf("Head: %v", err)
				}
			}
			fresh := r.Tokens.Issued()
			time.Sleep(4 * time.Second) // whole seconds, and the registry's clock may have just turned
			if _, err := puller.Head(t.Context(), repo.Tag("v1")); err != nil {
				t.Fatalf("Head after the token's end: %v", err)
			}
			if r.Tokens.Issued() == fresh {
				t.Error("a token was good for longer than its lifetime")
			}
		})
	}
}

func TestFrontCounts(t *testing.T) {
	for name, opts := range map[string]Options{"plain": {}, "TLS": {TLS: true, Accounts: users[:1]}} {
		t.Run(name, func(t *testing.T) {
			var counter Counter
			r := Front(t, Debian(t, opts), counter.Wrap)
			image, err := random.Image(1<<20, 2)
			if err != nil {
				t.Fatal(err)
			}
			r.Push(t, "app:v1", image)
			pushed := counter.Reset()
			r.Contents(t)
			pulled := counter.Counts()

			size := blobsSize(t, image)
			if pushed.BytesReceived < size || pushed.BytesReceived > size+4096 {
				t.Errorf("push: %v, want %d bytes of blobs received and little else", pushed, size)
			}
			if pulled.BytesSent < size || pulled.BytesSent > size+8192 {
				t.Errorf("pull: %v, want %d bytes of blobs sent and little else", pulled, size)
			}
			if got := pushed.Total(PutManifest); got != 1 {
				t.Errorf("push: %v, want 1 %s", pushed, PutManifest)
			}
			if got := pulled.Total(GetBlob); got != 3 {
				t.Errorf("pull: %v, want 3 %s", pulled, GetBlob)
			}
		})
	}
}

func randomImage(t *testing.T) v1.Image {
	t.Helper()
	image, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func randomIndex(t *testing.T) v1.ImageIndex {
	t.Helper()
	index, err := random.Index(1000, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// blobsSize is the size of an image's layers and config.
func blobsSize(t *testing.T, image v1.Image) int64 {
	t.Helper()
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	size := manifest.Config.Size
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	return size
}

// complaints is a test that remembers its errors instead of failing.
type complaints struct {
	testing.TB
	errors []string
}

func (c *complaints) Errorf(format string, args ...any) {
	c.errors = append(c.errors, fmt.Sprintf(format, args...))
}

// Contents is what other tests rely on to find tags that cannot be pulled.
func TestContentsFindsWhatIsMissing(t *testing.T) {
	image := randomImage(t)
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[1].Digest()
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string]func(file string) error{
		"absent":  os.Remove,
		"changed": func(file string) error { return os.WriteFile(file, make([]byte, 1219), 0o600) },
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			r := Debian(t, Options{})
			r.Push(t, "app:v1", image)
			blob := filepath.Join(r.Root, "docker/registry/v2/blobs/sha256", digest.Hex[:2], digest.Hex, "data")
			if err := damage(blob); err != nil {
				t.Fatal(err)
			}
			c := &complaints{TB: t}
			r.Contents(c)
			if len(c.errors) != 1 || !strings.Contains(c.errors[0], "app:v1 cannot be pulled") {
				t.Errorf("Contents() complained %q, want one complaint about app:v1", c.errors)
			}
		})
	}
}
