package standin

import (
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// builder makes images whose layers are shared.
type builder struct {
	opts    Options
	release *versions.Release
	weight  int64

	mu     sync.Mutex
	layers map[string]v1.Layer
}

func newBuilder(opts Options, release *versions.Release, selected []versions.Artifact) *builder {
	return &builder{
		opts:    opts,
		release: release,
		weight:  total(release.Name, selected),
		layers:  map[string]v1.Layer{},
	}
}

// layer returns the layer of a part, the same one each time.
func (b *builder) layer(p part) (v1.Layer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if layer := b.layers[p.name]; layer != nil {
		return layer, nil
	}
	layer, err := noise(p.name, p.weight*b.opts.Bytes/b.weight).layer()
	if err != nil {
		return nil, err
	}
	b.layers[p.name] = layer
	return layer, nil
}

const operatorPath = "usr/local/bin/postgres-operator"

// program is the layer that the operator's image runs.
func (b *builder) program() (v1.Layer, error) {
	if b.opts.OperatorBinary == "" {
		return text(operatorPath, "This is a stand-in: nothing runs here.\n").layer()
	}
	f, err := executable(b.opts.OperatorBinary, operatorPath)
	if err != nil {
		return nil, err
	}
	return f.layer()
}

// image makes the image of an artifact for one architecture.
func (b *builder) image(a versions.Artifact, architecture string) (v1.Image, error) {
	var addenda []mutate.Addendum
	for _, p := range parts(b.release.Name, a) {
		layer, err := b.layer(p)
		if err != nil {
			return nil, err
		}
		addenda = append(addenda, addendum(layer, p.name))
	}
	if a.Role == versions.RoleOperator {
		layer, err := b.program()
		if err != nil {
			return nil, err
		}
		addenda = append(addenda, addendum(layer, "the program"))
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(base, addenda...)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, b.config(config.DeepCopy(), a, architecture))
}

func addendum(layer v1.Layer, what string) mutate.Addendum {
	return mutate.Addendum{
		Layer:     layer,
		MediaType: types.OCILayer,
		History:   v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "standin: " + what},
	}
}

// config completes an image's config.
func (b *builder) config(c *v1.ConfigFile, a versions.Artifact, architecture string) *v1.ConfigFile {
	c.OS = "linux"
	c.Architecture = architecture
	c.Created = v1.Time{Time: epoch}
	c.Config.User = "65532:65532"
	c.Config.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin"}
	c.Config.Labels = map[string]string{
		"org.opencontainers.image.title":   a.Source.Repository,
		"org.opencontainers.image.version": a.Source.Tag,
	}
	if a.Role == versions.RoleOperator {
		c.Config.Entrypoint = []string{"/" + operatorPath}
		c.Config.Cmd = b.opts.OperatorArgs
	}
	return c
}

// index makes an image for two architectures.
func (b *builder) index(a versions.Artifact) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, architecture := range []string{"amd64", "arm64"} {
		image, err := b.image(a, architecture)
		if err != nil {
			return nil, err
		}
		own, err := noise(fmt.Sprintf("%s for %s", a.Source, architecture), 1024).layer()
		if err != nil {
			return nil, err
		}
		image, err = mutate.Append(image, addendum(own, architecture))
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}},
		})
	}
	return index, nil
}
