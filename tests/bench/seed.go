package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// family is a family as a source registry holds it.
type family struct {
	spec *familySpec
	// Root is the registry's storage.
	Root string
	// Digests are those of the artifacts, by REPOSITORY:TAG.
	Digests map[string]string
	// Blobs are the distinct blobs, largest first, each with one repository to read it from.
	Blobs []blob
	// Places is how many repositories need a blob, summed over the blobs.
	Places int
	// Manifests are the manifests' bytes.
	Manifests int64
}

type blob struct {
	Repository, Digest string
	Size               int64
}

// Unique is the bytes of the distinct blobs.
func (f *family) Unique() int64 {
	var sum int64
	for _, b := range f.Blobs {
		sum += b.Size
	}
	return sum
}

// seed fills a source registry with a family, or finds one that an earlier run has filled.
func (b *bench) seed(spec *familySpec) *family {
	dir := b.opts.dir
	if dir == "" {
		dir = b.TempDir()
	}
	f := &family{spec: spec, Root: filepath.Join(dir, spec.key())}
	note := f.Root + ".json"
	if data, err := os.ReadFile(note); err == nil {
		b.check(json.Unmarshal(data, f))
		return f
	}
	b.Logf("making %d artifacts in %s", len(spec.artifacts), f.Root)
	b.check(os.RemoveAll(f.Root))
	b.check(os.MkdirAll(f.Root, 0o755))
	b.scoped(func() {
		source := b.startRegistry(registrytest.Options{Root: f.Root})
		f.push(b, source)
	})
	data, err := json.Marshal(f)
	b.check(err)
	b.check(os.WriteFile(note, data, 0o600))
	return f
}

func (f *family) push(b *bench, source *registrytest.Registry) {
	layers := f.pushLayers(b, source)
	f.Digests = map[string]string{}
	places := map[string]bool{}
	known := map[string]blob{}
	for _, spec := range f.spec.artifacts {
		image := b.image(spec, layers)
		f.Digests[spec.String()] = source.Push(b, spec.String(), image).String()
		manifest, err := image.Manifest()
		b.check(err)
		size, err := image.Size()
		b.check(err)
		f.Manifests += size
		for _, d := range append(slices.Clone(manifest.Layers), manifest.Config) {
			digest := d.Digest.String()
			places[spec.Repository+"@"+digest] = true
			known[digest] = blob{spec.Repository, digest, d.Size}
		}
	}
	f.Places = len(places)
	for _, b := range known {
		f.Blobs = append(f.Blobs, b)
	}
	slices.SortFunc(f.Blobs, func(a, b blob) int { return int(b.Size - a.Size) })
}

// pushLayers puts each layer into the repository that needs it first; the images mount it
// from there.
func (f *family) pushLayers(b *bench, source *registrytest.Registry) map[string]v1.Layer {
	layers := map[string]v1.Layer{}
	var mu sync.Mutex
	var group sync.WaitGroup
	var failed error
	slots := make(chan struct{}, 2)
	for _, spec := range f.spec.artifacts {
		for _, name := range spec.Layers {
			if layers[name] != nil {
				continue
			}
			layer := &noiseLayer{name: name, size: f.spec.layers[name]}
			layers[name] = layer
			repository := source.Reference(b, spec.String()).Context()
			group.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				err := layer.measure()
				if err == nil {
					err = remote.WriteLayer(repository, layer, source.Remote(b.ctx)...)
				}
				mu.Lock()
				defer mu.Unlock()
				failed = errors.Join(failed, err)
			})
		}
	}
	group.Wait()
	b.check(failed)
	return layers
}

func (b *bench) image(spec artifactSpec, layers map[string]v1.Layer) v1.Image {
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	if spec.chart {
		image = mutate.ConfigMediaType(image, "application/vnd.cncf.helm.config.v1+json")
	} else {
		image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	}
	for _, name := range spec.Layers {
		var err error
		image, err = mutate.AppendLayers(image, layers[name])
		b.check(err)
	}
	config, err := image.ConfigFile()
	b.check(err)
	config = config.DeepCopy()
	config.Architecture, config.OS = "amd64", "linux"
	config.Config.Env = []string{"ARTIFACT=" + spec.String()}
	image, err = mutate.ConfigFile(image, config)
	b.check(err)
	return image
}

// noiseLayer is a v1.Layer that is made anew each time it is read.
type noiseLayer struct {
	name           string
	size           int64
	digest, diffID v1.Hash
	length         int64
}

// measure finds out digests and length.
func (l *noiseLayer) measure() error {
	var err error
	content := l.content()
	defer content.Close()
	if l.digest, l.length, err = v1.SHA256(content); err != nil {
		return err
	}
	hash := sha256.New()
	if err := writeTar(hash, l.name, l.size); err != nil {
		return err
	}
	l.diffID = v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", hash.Sum(nil))}
	return nil
}

func (l *noiseLayer) content() io.ReadCloser { return layerContent(l.name, l.size) }

// Digest implements v1.Layer, as do the methods below.
func (l *noiseLayer) Digest() (v1.Hash, error) { return l.digest, nil }

// DiffID is the digest of the uncompressed tar.
func (l *noiseLayer) DiffID() (v1.Hash, error) { return l.diffID, nil }

// Compressed is the layer's content.
func (l *noiseLayer) Compressed() (io.ReadCloser, error) { return l.content(), nil }

// Uncompressed is not asked for.
func (l *noiseLayer) Uncompressed() (io.ReadCloser, error) { return nil, errors.ErrUnsupported }

// Size is that of the content.
func (l *noiseLayer) Size() (int64, error) { return l.length, nil }

// MediaType is that of a gzipped layer.
func (l *noiseLayer) MediaType() (types.MediaType, error) {
	if l.name == "chart" {
		return "application/vnd.cncf.helm.chart.content.v1.tar+gzip", nil
	}
	return types.OCILayer, nil
}
