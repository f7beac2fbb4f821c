// Package bundletest makes bundles and their like for tests: content with the registry that it
// comes from, tars that a test takes apart and puts together, archives of docker's.
package bundletest

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
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Vendor is the registry that the content comes from.
const Vendor = "tanzu-sql-postgres.packages.broadcom.com"

// World is content, and the registry that it comes from.
type World struct {
	Content write.Content
	Blobs   map[v1.Hash][]byte

	// Rangeless: the registry serves whole blobs only.
	Rangeless bool

	mu sync.Mutex
	// Fetched counts the bytes that were handed out of each blob.
	Fetched map[v1.Hash]int64
	// Spoil changes what is handed out of a blob; it may be nil.
	Spoil func(d v1.Descriptor, offset int64, body io.Reader) io.Reader
}

// New has two images with a shared layer, one of them as an index of two platforms,
// a chart, a cosign signature and a referrer.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{Blobs: make(map[v1.Hash][]byte), Fetched: make(map[v1.Hash]int64)}
	base := w.Layer(1, 300_000)
	operator := w.Image(types.DockerManifestSchema2, base, w.Layer(2, 70_001))
	amd := w.Image(types.OCIManifestSchema1, base, w.Layer(3, 3<<20))
	arm := w.Image(types.OCIManifestSchema1, w.Layer(4, 512), w.Layer(5, 0))
	index := w.Manifest(types.OCIImageIndex, v1.IndexManifest{
		SchemaVersion: 2, MediaType: types.OCIImageIndex,
		Manifests: []v1.Descriptor{
			{MediaType: amd.MediaType, Size: amd.Size, Digest: amd.Digest, Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}},
			{MediaType: arm.MediaType, Size: arm.Size, Digest: arm.Digest, Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}},
		},
	})
	chart := w.Chart()
	w.Artifact(versions.RoleOperator, "postgres-operator", "v4.3.1", operator)
	w.Artifact(versions.RoleInstance, "postgres-instance", "v17.5-v4.3.1", index)
	w.Artifact(versions.RoleChart, "vmware-sql-postgres-operator", "v4.3.1", chart)
	w.Attachment("postgres-operator", "sha256-"+operator.Digest.Hex+".sig", w.Image(types.OCIManifestSchema1, w.Layer(6, 200)))
	w.Attachment("postgres-instance", "", w.Referrer(amd))
	return w
}

// Big is what the layers of NewBig are made of, in bytes: more than what a journal counts in.
const Big = 4 << 20

// NewBig has layers that are larger than what the journal of a save counts in.
func NewBig(t testing.TB) *World {
	w := New(t)
	d := w.Image("application/vnd.oci.image.manifest.v1+json", w.Layer(20, 3*Big), w.Layer(21, 2*Big+77))
	w.Artifact(versions.RoleInstance, "postgres-instance", "v16.9-v4.3.1", d)
	return w
}

// Blob adds content.
func (w *World) Blob(t types.MediaType, body []byte) v1.Descriptor {
	digest, size, _ := v1.SHA256(bytes.NewReader(body))
	w.Blobs[digest] = body
	return v1.Descriptor{MediaType: t, Digest: digest, Size: size}
}

// Layer adds a layer of size random bytes; the same seed gives the same ones.
func (w *World) Layer(seed uint64, size int) v1.Descriptor {
	body := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = r.Read(body)
	return w.Blob(types.OCILayer, body)
}

// Image adds a config and the manifest of an image with these layers.
func (w *World) Image(t types.MediaType, layers ...v1.Descriptor) v1.Descriptor {
	config, _ := json.Marshal(map[string]any{"architecture": "amd64", "os": "linux", "layers": layers})
	m := v1.Manifest{SchemaVersion: 2, MediaType: t, Layers: layers}
	m.Config = w.Blob(types.OCIConfigJSON, config)
	return w.Manifest(t, m)
}

// Chart adds a chart.
func (w *World) Chart() v1.Descriptor {
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}
	m.Config = w.Blob("application/vnd.cncf.helm.config.v1+json", []byte(`{"name":"vmware-sql-postgres-operator"}`))
	m.Layers = []v1.Descriptor{w.Blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", []byte("a chart"))}
	return w.Manifest(m.MediaType, m)
}

// Referrer adds an SBOM that refers to subject.
func (w *World) Referrer(subject v1.Descriptor) v1.Descriptor {
	subject.Platform = nil
	m := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		ArtifactType: "application/spdx+json", Subject: &subject,
		Annotations: map[string]string{"kind": "sbom"},
	}
	m.Config = w.Blob("application/vnd.oci.empty.v1+json", []byte("{}"))
	m.Layers = []v1.Descriptor{w.Blob("application/spdx+json", []byte(`{"sbom":true}`))}
	return w.Manifest(m.MediaType, m)
}

// Manifest adds a manifest.
func (w *World) Manifest(t types.MediaType, m any) v1.Descriptor {
	body, _ := json.Marshal(m)
	digest, size, _ := v1.SHA256(bytes.NewReader(body))
	d := v1.Descriptor{MediaType: t, Digest: digest, Size: size}
	w.Content.Manifests = append(w.Content.Manifests, oci.Manifest{Descriptor: d, Body: body})
	return d
}

// Artifact adds an artifact under a tag.
func (w *World) Artifact(role versions.Role, repository, tag string, d v1.Descriptor) {
	w.Content.Artifacts = append(w.Content.Artifacts, lock.Artifact{
		Artifact: versions.Artifact{
			Product: "tanzu", Release: "v4.3.1", Role: role,
			Source: ref.Reference{Host: Vendor, Repository: repository, Tag: tag},
			Target: ref.Reference{Repository: "tanzu-sql-postgres/" + repository, Tag: tag},
		},
		Base: "tanzu-sql-postgres", Digest: d.Digest, MediaType: d.MediaType, Size: d.Size,
	})
}

// Attachment adds what is attached under a tag, or by its digest where there is none.
func (w *World) Attachment(repository, tag string, d v1.Descriptor) {
	digest := ""
	if tag == "" {
		digest = d.Digest.String()
	}
	w.Content.Attachments = append(w.Content.Attachments, lock.Attachment{
		Source: ref.Reference{Host: Vendor, Repository: repository, Tag: tag, Digest: digest},
		Target: ref.Reference{Repository: "tanzu-sql-postgres/" + repository, Tag: tag, Digest: digest},
		Base:   "tanzu-sql-postgres", Digest: d.Digest, MediaType: d.MediaType, Size: d.Size,
	})
}

// Fetch is the registry's side of Write.
func (w *World) Fetch(_ context.Context, d v1.Descriptor, from, to int64) (registry.Content, error) {
	body, ok := w.Blobs[d.Digest]
	if !ok {
		return registry.Content{}, fmt.Errorf("%w: %s", registry.ErrNotFound, d.Digest)
	}
	whole := w.Rangeless && to < d.Size
	if whole {
		to = d.Size
	}
	var r io.Reader = bytes.NewReader(body[from:to])
	if w.Spoil != nil {
		r = w.Spoil(d, from, r)
	}
	return registry.Content{ReadCloser: io.NopCloser(&counted{r, w, d.Digest}), Whole: whole}, nil
}

type counted struct {
	io.Reader
	world  *World
	digest v1.Hash
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.world.mu.Lock()
	c.world.Fetched[c.digest] += int64(n)
	c.world.mu.Unlock()
	return n, err
}

// Total is how many bytes were fetched.
func (w *World) Total() int64 {
	var n int64
	for _, f := range w.Fetched {
		n += f
	}
	return n
}

// Unique is the bytes of all distinct blobs.
func (w *World) Unique() int64 {
	var n int64
	for _, b := range w.Blobs {
		n += int64(len(b))
	}
	return n
}

// Write writes a bundle into a folder of the test.
func (w *World) Write(t testing.TB, opts write.Options) *write.Result {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pg.tar")
	written, err := write.File(t.Context(), path, &w.Content, w.Fetch, opts)
	if err != nil {
		t.Fatalf("Write() = %v", err)
	}
	return written
}
