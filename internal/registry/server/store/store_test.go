package store

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/server"
)

// site is a registry that is running on a folder.
type site struct {
	*server.Running
	store *Store
}

func start(t *testing.T, dir string) *site {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &site{server.Start(t.Context(), listener, server.NewWritable(s)), s}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close() = %v, want no error", err)
		}
	})
	return r
}

// Close ends the registry and closes its folder.
func (r *site) Close() error { return errors.Join(r.Running.Close(), r.store.Close()) }

func (r *site) ref(t *testing.T, s string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(r.Host + "/" + s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func pushImage(t *testing.T, r *site, at string) v1.Image {
	t.Helper()
	image, err := random.Image(1000, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(r.ref(t, at), image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	return image
}

func checkImage(t *testing.T, r *site, at string, want v1.Image) {
	t.Helper()
	got, err := remote.Image(r.ref(t, at), remote.WithContext(t.Context()))
	if err != nil {
		t.Fatalf("pulling %s: %v", at, err)
	}
	if err := validate.Image(got); err != nil {
		t.Errorf("%s is not whole: %v", at, err)
	}
	gotDigest, _ := got.Digest()
	wantDigest, _ := want.Digest()
	if gotDigest != wantDigest {
		t.Errorf("%s has the digest %s, want %s", at, gotDigest, wantDigest)
	}
}

// A registry that is started again on its folder holds what it held before.
func TestContentOutlivesTheRegistry(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "on", "demand")
	first := start(t, dir)
	image := pushImage(t, first, "team/image:v1")
	pushImage(t, first, "team/other:v1")
	index, err := random.Index(500, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(first.ref(t, "team/index:v1"), index); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := start(t, dir)
	checkImage(t, second, "team/image:v1", image)
	pulled, err := remote.Index(second.ref(t, "team/index:v1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(pulled); err != nil {
		t.Errorf("the index is not whole: %v", err)
	}
	tags, err := remote.List(second.ref(t, "team/image:v1").Context())
	if err != nil || len(tags) != 1 || tags[0] != "v1" {
		t.Errorf("tags of team/image = %v, %v, want v1", tags, err)
	}
}

// The folder is an OCI image layout that other tools read.
func TestFolderIsAnImageLayout(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir)
	pushImage(t, r, "team/image:v1")
	old := pushImage(t, r, "team/image:v2")
	pushImage(t, r, "team/image:v2") // takes the tag over
	path, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Errorf("the layout is not whole: %v", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	oldDigest, _ := old.Digest()
	var names []string
	for _, d := range manifest.Manifests {
		names = append(names, d.Annotations[refName])
		if d.Digest == oldDigest {
			t.Errorf("index.json still names %s, whose tag was taken over", oldDigest)
		}
	}
	if got := strings.Join(names, " "); got != "localhost/team/image:v1 localhost/team/image:v2" {
		t.Errorf("index.json names %s, want both tags once", got)
	}
}

func TestBlobsBelongToRepositories(t *testing.T) {
	r := start(t, t.TempDir())
	image := pushImage(t, r, "team/one:v1")
	layers, _ := image.Layers()
	digest, _ := layers[0].Digest()
	if got := request(t, r, http.MethodHead, "/v2/team/two/blobs/"+digest.String(), nil, ""); got.code != http.StatusNotFound {
		t.Errorf("HEAD of another repository's blob = %d, want 404", got.code)
	}
	mount := "/v2/team/two/blobs/uploads/?mount=" + digest.String() + "&from="
	if got := request(t, r, http.MethodPost, mount+"team/three", nil, ""); got.code != http.StatusAccepted {
		t.Errorf("mounting from a repository without the blob = %d, want 202 for an upload", got.code)
	}
	got := request(t, r, http.MethodPost, mount+"team/one", nil, "")
	if got.code != http.StatusCreated || got.location != "/v2/team/two/blobs/"+digest.String() {
		t.Errorf("mounting = %d with the Location %q, want 201 and the blob", got.code, got.location)
	}
	if got := request(t, r, http.MethodHead, "/v2/team/two/blobs/"+digest.String(), nil, ""); got.code != http.StatusOK {
		t.Errorf("HEAD of the mounted blob = %d, want 200", got.code)
	}
}

func TestRanges(t *testing.T) {
	r := start(t, t.TempDir())
	layers, _ := pushImage(t, r, "team/image:v1").Layers()
	digest, _ := layers[0].Digest()
	size, _ := layers[0].Size()
	reader, _ := layers[0].Compressed()
	all, _ := io.ReadAll(reader)
	tests := []struct {
		header string
		status int
		want   string
	}{
		{"", http.StatusOK, string(all)},
		{"bytes=100-", http.StatusPartialContent, string(all[100:])},
		{"bytes=10-19", http.StatusPartialContent, string(all[10:20])},
		{fmt.Sprintf("bytes=%d-", size), http.StatusRequestedRangeNotSatisfiable, ""},
	}
	for _, tt := range tests {
		got := request(t, r, http.MethodGet, "/v2/team/image/blobs/"+digest.String(), nil, tt.header)
		if got.code != tt.status || (tt.want != "" && got.body != tt.want) {
			t.Errorf("GET with Range %q = %d and %d bytes, want %d and %d", tt.header, got.code, len(got.body), tt.status, len(tt.want))
		}
	}
	unknown := "/v2/team/image/blobs/sha256:" + strings.Repeat("0", 64)
	if got := request(t, r, http.MethodGet, unknown, nil, ""); got.code != http.StatusNotFound {
		t.Errorf("GET of an unknown blob = %d, want 404", got.code)
	}
}

func TestRefusals(t *testing.T) {
	r := start(t, t.TempDir())
	pushImage(t, r, "team/image:v1")
	zeros := "sha256:" + strings.Repeat("0", 64)
	lacking := `{"schemaVersion":2,"config":{"mediaType":"x","size":1,"digest":"` + zeros + `"},"layers":[]}`
	tests := []struct {
		name, method, path, body string
		status                   int
	}{
		{"deleting", http.MethodDelete, "/v2/team/image/manifests/v1", "", http.StatusMethodNotAllowed},
		{"a manifest without its blobs", http.MethodPut, "/v2/team/image/manifests/v2", lacking, http.StatusBadRequest},
		{"a manifest under another digest", http.MethodPut, "/v2/team/image/manifests/" + zeros, `{}`, http.StatusBadRequest},
		{"a manifest that is too large", http.MethodPut, "/v2/team/image/manifests/v2", strings.Repeat(" ", server.LargestManifest+1), http.StatusRequestEntityTooLarge},
	}
	for _, tt := range tests {
		if got := request(t, r, tt.method, tt.path, strings.NewReader(tt.body), ""); got.code != tt.status {
			t.Errorf("%s = %d, want %d", tt.name, got.code, tt.status)
		}
	}
	if got := request(t, r, http.MethodHead, "/v2/team/image/manifests/v2", nil, ""); got.code != http.StatusNotFound {
		t.Errorf("HEAD of a refused manifest = %d, want 404", got.code)
	}
}

// A blob whose bytes do not match its digest leaves nothing behind.
func TestABrokenUploadLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir)
	started := request(t, r, http.MethodPost, "/v2/team/image/blobs/uploads/", nil, "")
	digest := "sha256:" + strings.Repeat("0", 64)
	put := request(t, r, http.MethodPut, started.location+"?digest="+digest, strings.NewReader("something else"), "")
	if put.code < 400 {
		t.Errorf("PUT with another digest = %d, want it refused", put.code)
	}
	left, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	if err != nil || len(left) != 0 {
		t.Errorf("blobs = %v, %v, want none", left, err)
	}
}

func TestManyAtOnce(t *testing.T) {
	r := start(t, t.TempDir())
	var group errgroup.Group
	images := make([]v1.Image, 8)
	for i := range images {
		image, err := random.Image(2000, 2)
		if err != nil {
			t.Fatal(err)
		}
		images[i] = image
		group.Go(func() error {
			return remote.Write(r.ref(t, fmt.Sprintf("team/image:v%d", i)), image, remote.WithContext(t.Context()))
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, image := range images {
		checkImage(t, r, fmt.Sprintf("team/image:v%d", i), image)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	broken := filepath.Join(dir, "broken")
	gone := filepath.Join(dir, "gone")
	r := start(t, gone)
	digest, _ := pushImage(t, r, "team/image:v1").Digest()
	for _, err := range []error{
		r.Close(),
		os.WriteFile(file, nil, 0o600),
		os.MkdirAll(broken, 0o700),
		os.WriteFile(filepath.Join(broken, "oci-layout"), []byte(layoutFile), 0o600),
		os.WriteFile(filepath.Join(broken, "index.json"), []byte("{"), 0o600),
		os.Remove(filepath.Join(gone, "blobs", "sha256", digest.Hex)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ dir, want string }{
		{"", "no folder is named"},
		{file, "not a directory"},
		{broken, "index.json: unexpected end of JSON input"},
		{gone, "no such file"},
		{dir, "it holds something else"},
	}
	for _, tt := range tests {
		if _, err := Open(tt.dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Open(%q) = %v, want %s", tt.dir, err, tt.want)
		}
	}
}

// reply is a response that was read to its end.
type reply struct {
	code     int
	location string
	body     string
}

func request(t *testing.T, r *site, method, path string, body io.Reader, byteRange string) reply {
	t.Helper()
	target := "http://" + r.Host + path
	if strings.HasPrefix(path, "http") {
		target = path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	if byteRange != "" {
		req.Header.Set("Range", byteRange)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{code: resp.StatusCode, location: resp.Header.Get("Location"), body: string(content)}
}

// What refers to an image is listed for it, by a registry that is started again too, and
// wherever what it refers to came first.
func TestReferrers(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir)
	image := pushImage(t, r, "team/image:v1")
	subject, err := partial.Descriptor(image)
	if err != nil {
		t.Fatal(err)
	}
	sbom := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/spdx+json")
	if err := remote.Write(r.ref(t, "team/image:sbom"), mutate.Subject(sbom, *subject).(v1.Image)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		index, err := remote.Referrers(r.ref(t, "team/image@"+subject.Digest.String()).(name.Digest))
		if err != nil {
			t.Fatal(err)
		}
		listed, err := index.IndexManifest()
		if err != nil || len(listed.Manifests) != 1 || listed.Manifests[0].ArtifactType != "application/spdx+json" {
			t.Errorf("Referrers(%s) = %v, %v, want the SBOM", subject.Digest, listed, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = start(t, dir)
	}
}

// A registry that was killed leaves nothing of what had not arrived, and opens again.
func TestWhatHadNotArrivedIsRemoved(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir)
	started := request(t, r, http.MethodPost, "/v2/team/image/blobs/uploads/", nil, "")
	request(t, r, http.MethodPatch, started.location, strings.NewReader("half"), "")
	left, err := os.ReadDir(filepath.Join(dir, arriving))
	if err != nil || len(left) != 1 {
		t.Fatalf("%d uploads lie in the folder, %v, want 1", len(left), err)
	}
	half := filepath.Join(dir, arriving, left[0].Name())
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	// Killed, it had not removed it.
	if err := errors.Join(os.Mkdir(filepath.Dir(half), 0o755), os.WriteFile(half, []byte("half"), 0o600)); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
	if left, err := os.ReadDir(filepath.Join(dir, arriving)); err != nil || len(left) != 0 {
		t.Errorf("%d uploads lie in the folder that was opened again, %v, want none", len(left), err)
	}
}

// A folder is one registry's at a time: another would clear away what arrives at the first.
func TestOneRegistryAFolder(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir)
	started := request(t, r, http.MethodPost, "/v2/team/image/blobs/uploads/", nil, "")
	if _, err := Open(dir); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("Open() of a folder in use = %v, want that said of it", err)
	}
	content := "content"
	digest, err := server.Digest("sha256", strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	done := request(t, r, http.MethodPut, started.location+"?digest="+digest.String(), strings.NewReader(content), "")
	if done.code != http.StatusCreated {
		t.Errorf("the upload to the first ends with %d, want %d", done.code, http.StatusCreated)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

// What a file holds is what its name says, or the folder is not a registry's.
func TestOpenRefusesOtherContent(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir)
	digest, err := pushImage(t, r, "team/image:v1").Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "blobs", "sha256", digest.Hex), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, registry.ErrDigestMismatch) {
		t.Errorf("Open() of a folder with another manifest = %v, want %v", err, registry.ErrDigestMismatch)
	}
}
