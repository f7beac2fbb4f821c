package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const vendor = "tanzu-sql-postgres.packages.broadcom.com"

// world is content, and the registry that it comes from.
type world struct {
	content Content
	blobs   map[v1.Hash][]byte

	// rangeless: the registry serves whole blobs only.
	rangeless bool

	mu sync.Mutex
	// fetched counts the bytes that were handed out of each blob.
	fetched map[v1.Hash]int64
	// spoil changes what is handed out of a blob; it may be nil.
	spoil func(d v1.Descriptor, offset int64, body io.Reader) io.Reader
}

// newWorld has two images with a shared layer, one of them as an index of two platforms,
// a chart, a cosign signature and a referrer.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{blobs: make(map[v1.Hash][]byte), fetched: make(map[v1.Hash]int64)}
	base := w.layer(1, 300_000)
	operator := w.image(types.DockerManifestSchema2, base, w.layer(2, 70_001))
	amd := w.image(types.OCIManifestSchema1, base, w.layer(3, 3<<20))
	arm := w.image(types.OCIManifestSchema1, w.layer(4, 512), w.layer(5, 0))
	index := w.manifest(types.OCIImageIndex, v1.IndexManifest{
		SchemaVersion: 2, MediaType: types.OCIImageIndex,
		Manifests: []v1.Descriptor{
			{MediaType: amd.MediaType, Size: amd.Size, Digest: amd.Digest, Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}},
			{MediaType: arm.MediaType, Size: arm.Size, Digest: arm.Digest, Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}},
		},
	})
	chart := w.chart()
	w.artifact(versions.RoleOperator, "postgres-operator", "v4.3.1", operator)
	w.artifact(versions.RoleInstance, "postgres-instance", "v17.5-v4.3.1", index)
	w.artifact(versions.RoleChart, "vmware-sql-postgres-operator", "v4.3.1", chart)
	w.attachment("postgres-operator", "sha256-"+operator.Digest.Hex+".sig", w.image(types.OCIManifestSchema1, w.layer(6, 200)))
	w.attachment("postgres-instance", "", w.referrer(amd))
	return w
}

func (w *world) blob(t types.MediaType, body []byte) v1.Descriptor {
	digest, size, _ := v1.SHA256(bytes.NewReader(body))
	w.blobs[digest] = body
	return v1.Descriptor{MediaType: t, Digest: digest, Size: size}
}

func (w *world) layer(seed uint64, size int) v1.Descriptor {
	body := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = r.Read(body)
	return w.blob(types.OCILayer, body)
}

func (w *world) image(t types.MediaType, layers ...v1.Descriptor) v1.Descriptor {
	config, _ := json.Marshal(map[string]any{"architecture": "amd64", "os": "linux", "layers": layers})
	m := v1.Manifest{SchemaVersion: 2, MediaType: t, Layers: layers}
	m.Config = w.blob(types.OCIConfigJSON, config)
	return w.manifest(t, m)
}

func (w *world) chart() v1.Descriptor {
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}
	m.Config = w.blob(helmConfig, []byte(`{"name":"vmware-sql-postgres-operator"}`))
	m.Layers = []v1.Descriptor{w.blob(helmContent, []byte("a chart"))}
	return w.manifest(m.MediaType, m)
}

func (w *world) referrer(subject v1.Descriptor) v1.Descriptor {
	subject.Platform = nil
	m := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		ArtifactType: "application/spdx+json", Subject: &subject,
		Annotations: map[string]string{"kind": "sbom"},
	}
	m.Config = w.blob("application/vnd.oci.empty.v1+json", []byte("{}"))
	m.Layers = []v1.Descriptor{w.blob("application/spdx+json", []byte(`{"sbom":true}`))}
	return w.manifest(m.MediaType, m)
}

func (w *world) manifest(t types.MediaType, m any) v1.Descriptor {
	body, _ := json.Marshal(m)
	digest, size, _ := v1.SHA256(bytes.NewReader(body))
	d := v1.Descriptor{MediaType: t, Digest: digest, Size: size}
	w.content.Manifests = append(w.content.Manifests, oci.Manifest{Descriptor: d, Body: body})
	return d
}

func (w *world) artifact(role versions.Role, repository, tag string, d v1.Descriptor) {
	w.content.Artifacts = append(w.content.Artifacts, LockedArtifact{
		Artifact: versions.Artifact{
			Product: "tanzu", Release: "v4.3.1", Role: role,
			Source: ref.Reference{Host: vendor, Repository: repository, Tag: tag},
			Target: ref.Reference{Repository: "tanzu-sql-postgres/" + repository, Tag: tag},
		},
		Base: "tanzu-sql-postgres", Digest: d.Digest, MediaType: d.MediaType, Size: d.Size,
	})
}

func (w *world) attachment(repository, tag string, d v1.Descriptor) {
	digest := ""
	if tag == "" {
		digest = d.Digest.String()
	}
	w.content.Attachments = append(w.content.Attachments, LockedAttachment{
		Source: ref.Reference{Host: vendor, Repository: repository, Tag: tag, Digest: digest},
		Target: ref.Reference{Repository: "tanzu-sql-postgres/" + repository, Tag: tag, Digest: digest},
		Base:   "tanzu-sql-postgres", Digest: d.Digest, MediaType: d.MediaType, Size: d.Size,
	})
}

// fetch is the registry's side of Write.
func (w *world) fetch(_ context.Context, d v1.Descriptor, from, to int64) (registry.Content, error) {
	body, ok := w.blobs[d.Digest]
	if !ok {
		return registry.Content{}, fmt.Errorf("%w: %s", registry.ErrNotFound, d.Digest)
	}
	whole := w.rangeless && to < d.Size
	if whole {
		to = d.Size
	}
	var r io.Reader = bytes.NewReader(body[from:to])
	if w.spoil != nil {
		r = w.spoil(d, from, r)
	}
	return registry.Content{ReadCloser: io.NopCloser(&counted{r, w, d.Digest}), Whole: whole}, nil
}

type counted struct {
	io.Reader
	world  *world
	digest v1.Hash
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.world.mu.Lock()
	c.world.fetched[c.digest] += int64(n)
	c.world.mu.Unlock()
	return n, err
}

func (w *world) total() int64 {
	var n int64
	for _, f := range w.fetched {
		n += f
	}
	return n
}

// unique is the bytes of all distinct blobs.
func (w *world) unique() int64 {
	var n int64
	for _, b := range w.blobs {
		n += int64(len(b))
	}
	return n
}

// write writes a bundle into a folder of the test.
func (w *world) write(t testing.TB, opts WriteOptions) *Written {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pg.tar")
	written, err := Write(t.Context(), path, &w.content, w.fetch, opts)
	if err != nil {
		t.Fatalf("Write() = %v", err)
	}
	return written
}

func open(t testing.TB, path string, opts OpenOptions) *Bundle {
	t.Helper()
	b, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatalf("Open(%s) = %v", path, err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}
