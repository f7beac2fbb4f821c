// Package families has what the benchmark copies: images with the layer sharing of a release, made of
// noise. New, Single and Releases say which there are, Fill puts them into a source registry.
package families

import (
	"errors"
	"slices"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Family is a family as a source registry holds it.
type Family struct {
	// Spec is which images there are; who reads a family that is noted in a file knows it.
	Spec *Spec `json:"-"`
	// Root is the registry's storage.
	Root string
	// Digests are those of the artifacts, by REPOSITORY:TAG.
	Digests map[string]string
	// Blobs are the distinct blobs, largest first, each with one repository to read it from.
	Blobs []Blob
	// Places is how many repositories need a blob, summed over the blobs.
	Places int
	// Manifests are the manifests' bytes.
	Manifests int64
}

// Blob is a blob, with a repository that has it.
type Blob struct {
	Repository, Digest string
	Size               int64
}

// Unique is the bytes of the distinct blobs.
func (f *Family) Unique() int64 {
	var sum int64
	for _, b := range f.Blobs {
		sum += b.Size
	}
	return sum
}

// Fill makes the artifacts of f.Spec in a registry, and notes what they have come to. What fails ends
// the test, or what stands in for one.
func (f *Family) Fill(tb testing.TB, source *registrytest.Registry) {
	tb.Helper()
	layers := f.pushLayers(tb, source)
	f.Digests = map[string]string{}
	places := map[string]bool{}
	known := map[string]Blob{}
	for _, spec := range f.Spec.Artifacts {
		image := imageOf(tb, spec, layers)
		f.Digests[spec.String()] = source.Push(tb, spec.String(), image).String()
		manifest, err := image.Manifest()
		check(tb, err)
		size, err := image.Size()
		check(tb, err)
		f.Manifests += size
		for _, d := range append(slices.Clone(manifest.Layers), manifest.Config) {
			digest := d.Digest.String()
			places[spec.Repository+"@"+digest] = true
			known[digest] = Blob{spec.Repository, digest, d.Size}
		}
	}
	f.Places = len(places)
	for _, b := range known {
		f.Blobs = append(f.Blobs, b)
	}
	slices.SortFunc(f.Blobs, func(a, b Blob) int { return int(b.Size - a.Size) })
}

// pushLayers puts each layer into the repository that needs it first; the images mount it
// from there.
func (f *Family) pushLayers(tb testing.TB, source *registrytest.Registry) map[string]v1.Layer {
	layers := map[string]v1.Layer{}
	var mu sync.Mutex
	var group sync.WaitGroup
	var failed error
	slots := make(chan struct{}, 2)
	for _, spec := range f.Spec.Artifacts {
		for _, name := range spec.Layers {
			if layers[name] != nil {
				continue
			}
			layer := &noiseLayer{name: name, size: f.Spec.Layers[name]}
			layers[name] = layer
			repository := source.Reference(tb, spec.String()).Context()
			group.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				err := layer.measure()
				if err == nil {
					err = remote.WriteLayer(repository, layer, source.Remote(tb.Context())...)
				}
				mu.Lock()
				defer mu.Unlock()
				failed = errors.Join(failed, err)
			})
		}
	}
	group.Wait()
	check(tb, failed)
	return layers
}

func imageOf(tb testing.TB, spec Artifact, layers map[string]v1.Layer) v1.Image {
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	if spec.chart {
		image = mutate.ConfigMediaType(image, "application/vnd.cncf.helm.config.v1+json")
	} else {
		image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	}
	for _, name := range spec.Layers {
		var err error
		image, err = mutate.AppendLayers(image, layers[name])
		check(tb, err)
	}
	config, err := image.ConfigFile()
	check(tb, err)
	config = config.DeepCopy()
	config.Architecture, config.OS = "amd64", "linux"
	config.Config.Env = []string{"ARTIFACT=" + spec.String()}
	image, err = mutate.ConfigFile(image, config)
	check(tb, err)
	return image
}

func check(tb testing.TB, err error) {
	if err != nil {
		tb.Helper()
		tb.Fatal(err)
	}
}
