package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"golang.org/x/crypto/bcrypt"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/server"
	"github.com/pgrelocate/pgrelocate/internal/registry/server/certificate"
)

const vendor = "tanzu-sql-postgres.packages.broadcom.com"

// mirror is a directory with three images, and an SBOM for one of them.
func mirror(t *testing.T) (folder string, image v1.Image) {
	t.Helper()
	folder = t.TempDir()
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	add := func(i v1.Image, name string) {
		t.Helper()
		var opts []layout.Option
		if name != "" {
			opts = append(opts, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": name}))
		}
		if err := path.AppendImage(i, opts...); err != nil {
			t.Fatal(err)
		}
	}
	for _, tag := range []string{"v17.4-v4.3.1", "v17.5-v4.3.1", "v17.5-lite-v4.3.1"} {
		if image, err = random.Image(100_000, 2); err != nil {
			t.Fatal(err)
		}
		add(image, vendor+"/postgres-instance:"+tag)
	}
	add(sbom(t, image), "")
	return folder, image
}

func sbom(t *testing.T, subject v1.Image) v1.Image {
	t.Helper()
	d, err := partial.Descriptor(subject)
	if err != nil {
		t.Fatal(err)
	}
	i := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	i = mutate.ConfigMediaType(i, "application/spdx+json")
	return mutate.Subject(i, *d).(v1.Image)
}

func start(t *testing.T) (host string, image v1.Image) {
	t.Helper()
	folder, image := mirror(t)
	b, err := bundle.Open(t.Context(), folder, bundle.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	site := httptest.NewServer(server.New(b))
	t.Cleanup(site.Close)
	return strings.TrimPrefix(site.URL, "http://"), image
}

func TestAClientPulls(t *testing.T) {
	host, image := start(t)
	for _, repository := range []string{"tanzu-sql-postgres/postgres-instance", "postgres-instance"} {
		ref, err := name.ParseReference(host + "/" + repository + ":v17.5-lite-v4.3.1")
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.Image(ref)
		if err != nil {
			t.Fatalf("Image(%s) = %v", ref, err)
		}
		if err := validate.Image(got); err != nil {
			t.Errorf("Image(%s) is not whole: %v", ref, err)
		}
		want, _ := image.Digest()
		if digest, _ := got.Digest(); digest != want {
			t.Errorf("Image(%s) = %s, want %s", ref, digest, want)
		}
		index, err := remote.Referrers(ref.Context().Digest(want.String()))
		if err != nil {
			t.Fatal(err)
		}
		found, err := index.IndexManifest()
		if err != nil || len(found.Manifests) != 1 || found.Manifests[0].ArtifactType != "application/spdx+json" {
			t.Errorf("Referrers(%s) = %v, %v, want the SBOM", want, found, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	host, image := start(t)
	digest, _ := image.Digest()
	layers, _ := image.Layers()
	layer, _ := layers[0].Digest()
	body, _ := layers[0].Compressed()
	bytes, _ := io.ReadAll(body)
	size := fmt.Sprint(len(bytes))
	const repository = "/v2/tanzu-sql-postgres/postgres-instance"
	tests := []struct {
		method, path string
		header       map[string]string
		status       int
		want         map[string]string
		body         string
	}{
		{method: "GET", path: "/v2/", status: 200, body: "{}"},
		{method: "GET", path: "/v2", status: 200, body: "{}"},
		{method: "GET", path: "/", status: 404},
		{method: "GET", path: "/v2/nonsense", status: 404},
		{method: "HEAD", path: repository + "/manifests/v17.5-lite-v4.3.1", status: 200, want: map[string]string{
			"Docker-Content-Digest": digest.String(), "Content-Type": string(types.DockerManifestSchema2),
		}},
		{method: "GET", path: repository + "/manifests/" + digest.String(), status: 200},
		{method: "GET", path: repository + "/manifests/v9", status: 404, body: "MANIFEST_UNKNOWN"},
		{method: "GET", path: "/v2/other/manifests/v9", status: 404, body: "NAME_UNKNOWN"},
		{method: "HEAD", path: repository + "/blobs/" + layer.String(), status: 200, want: map[string]string{
			"Content-Length": size, "Docker-Content-Digest": layer.String(), "Accept-Ranges": "bytes",
		}},
		{method: "GET", path: repository + "/blobs/" + layer.String(), status: 200, body: string(bytes)},
		{method: "GET", path: repository + "/blobs/" + layer.String(), header: map[string]string{"Range": "bytes=1000-1999"}, status: 206,
			want: map[string]string{"Content-Range": "bytes 1000-1999/" + size, "Content-Length": "1000"}, body: string(bytes[1000:2000])},
		{method: "GET", path: repository + "/blobs/" + layer.String(), header: map[string]string{"Range": "bytes=1000-"}, status: 206, body: string(bytes[1000:])},
		{method: "GET", path: repository + "/blobs/" + layer.String(), header: map[string]string{"Range": "bytes=99999999-"}, status: 416},
		{method: "GET", path: repository + "/blobs/sha256:" + strings.Repeat("0", 64), status: 404, body: "BLOB_UNKNOWN"},
		{method: "GET", path: repository + "/blobs/sha256:0", status: 400, body: "DIGEST_INVALID"},
		{method: "GET", path: repository + "/blobs/../../../etc/passwd", status: 404},
		{method: "GET", path: repository + "/tags/list", status: 200, body: `["v17.4-v4.3.1","v17.5-lite-v4.3.1","v17.5-v4.3.1"]`},
		{method: "GET", path: repository + "/tags/list?n=2", status: 200, body: `["v17.4-v4.3.1","v17.5-lite-v4.3.1"]`,
			want: map[string]string{"Link": "<" + repository + "/tags/list?last=v17.5-lite-v4.3.1&n=2>; rel=\"next\""}},
		{method: "GET", path: repository + "/tags/list?n=2&last=v17.5-lite-v4.3.1", status: 200, body: `["v17.5-v4.3.1"]`, want: map[string]string{"Link": ""}},
		{method: "GET", path: repository + "/tags/list?n=0", status: 200, body: `[]`},
		{method: "GET", path: repository + "/tags/list?n=many", status: 400},
		{method: "GET", path: "/v2/other/tags/list", status: 404, body: "NAME_UNKNOWN"},
		{method: "GET", path: "/v2/_catalog", status: 200, body: `["tanzu-sql-postgres/postgres-instance"]`},
		{method: "GET", path: repository + "/referrers/" + digest.String() + "?artifactType=none", status: 200,
			want: map[string]string{"Content-Type": string(types.OCIImageIndex), "Oci-Filters-Applied": "artifactType"}, body: `"manifests":[]`},
		{method: "GET", path: "/v2/postgres-instance/manifests/v17.5-v4.3.1?ns=" + vendor, status: 200},
		{method: "GET", path: "/v2/postgres-instance/manifests/v17.5-v4.3.1?ns=elsewhere.example.com", status: 200},
		{method: "POST", path: repository + "/blobs/uploads/", status: 405, body: "UNSUPPORTED", want: map[string]string{"Allow": "GET, HEAD"}},
		{method: "PUT", path: repository + "/manifests/latest", status: 405},
		{method: "PATCH", path: repository + "/blobs/uploads/1", status: 405},
		{method: "DELETE", path: repository + "/manifests/" + digest.String(), status: 405},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			resp, got := ask(t, tt.method, "http://"+host+tt.path, tt.header)
			if resp.StatusCode != tt.status || !strings.Contains(got, tt.body) {
				t.Errorf("%s %s = %d %.100q, want %d %.100q", tt.method, tt.path, resp.StatusCode, got, tt.status, tt.body)
			}
			for key, want := range tt.want {
				if got := resp.Header.Get(key); got != want {
					t.Errorf("%s %s: %s = %q, want %q", tt.method, tt.path, key, got, want)
				}
			}
			if tt.status >= 400 && tt.status != 416 && !json.Valid([]byte(got)) {
				t.Errorf("%s %s: the error is no JSON: %q", tt.method, tt.path, got)
			}
		})
	}
}

func ask(t *testing.T, method, url string, header map[string]string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestPasswords(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("s3cret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	p, err := server.ParsePasswords([]byte("# users\n\nrobot:" + string(hash) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(server.Authenticate(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), p))
	defer site.Close()
	for range 2 { // the second time from memory
		for login, want := range map[string]int{
			"robot s3cret": 200, "robot wrong": 401, "nobody s3cret": 401, " ": 401, "": 401, "robot ": 401,
		} {
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, site.URL, nil)
			if user, password, ok := strings.Cut(login, " "); ok {
				r.SetBasicAuth(user, password)
			}
			resp, err := site.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("login %q = %d, want %d", login, resp.StatusCode, want)
			}
			if challenge := resp.Header.Get("WWW-Authenticate"); want == 401 && !strings.HasPrefix(challenge, "Basic ") {
				t.Errorf("login %q: WWW-Authenticate = %q", login, challenge)
			}
		}
	}
}

func TestParsePasswordsRefuses(t *testing.T) {
	for file, want := range map[string]string{
		"":                            "no user",
		"robot":                       "line 1 is not USER:HASH",
		":x":                          "line 1",
		"robot:s3cret":                "line 1 has no bcrypt hash",
		"robot:{SHA}5en6G6MezRroT3XK": "line 1 has no bcrypt hash",
	} {
		_, err := server.ParsePasswords([]byte(file))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("ParsePasswords(%q) = %v, want an error with %q and without the password", file, err, want)
		}
	}
}

func TestRunServesTLSUntilItIsStopped(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tls")
	made, err := certificate.SelfSigned(folder, []string{"127.0.0.1", "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := certificate.SelfSigned(folder, nil)
	if err != nil || !slices.EqualFunc(made.TLS.Certificate, again.TLS.Certificate, bytes.Equal) {
		t.Errorf("SelfSigned(again) = another certificate, %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, listener, http.NotFoundHandler(), &made.TLS) }()

	pem, err := os.ReadFile(filepath.Join(folder, certificate.File))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	resp, err := client.Get("https://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	client.CloseIdleConnections()
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	case <-time.After(time.Minute):
		t.Error("Run() does not end")
	}
	key, err := os.Stat(filepath.Join(folder, "tls.key"))
	if err != nil || key.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v, want 0600", key.Mode(), err)
	}
	if diff := cmp.Diff([]string{"tls.crt", "tls.key"}, names(t, folder)); diff != "" {
		t.Errorf("files:\n%s", diff)
	}
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
