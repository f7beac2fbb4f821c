package registrytest

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// puller reads whatever tags need, each thing of a repository once; remote checks it
// against the digests.
type puller struct {
	*remote.Puller
	repository string
	seen       map[string]bool
}

// tag pulls everything that a tag needs and returns its digest.
func (p *puller) tag(ctx context.Context, ref name.Reference) (string, error) {
	p.repository = ref.Context().RepositoryStr()
	desc, err := p.get(ctx, ref)
	if err != nil {
		return "", err
	}
	if desc.MediaType.IsIndex() {
		index, err := desc.ImageIndex()
		if err != nil {
			return "", err
		}
		return desc.Digest.String(), p.index(index)
	}
	image, err := desc.Image()
	if err != nil {
		return "", err
	}
	return desc.Digest.String(), p.image(image)
}

// get fetches the manifest of a tag that was listed. Distribution lists a tag a moment
// before it can be read, while it still works at a push whose client has hung up.
func (p *puller) get(ctx context.Context, ref name.Reference) (*remote.Descriptor, error) {
	const patience, step = 2 * time.Second, 50 * time.Millisecond
	for start := time.Now(); ; time.Sleep(step) {
		desc, err := p.Get(ctx, ref)
		if !isNotFound(err) || time.Since(start) > patience {
			return desc, err
		}
	}
}

// first says whether something of the repository was not pulled before.
func (p *puller) first(digest v1.Hash) bool {
	key := p.repository + "@" + digest.String()
	before := p.seen[key]
	p.seen[key] = true
	return !before
}

func (p *puller) index(index v1.ImageIndex) error {
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, child := range manifest.Manifests {
		if !p.first(child.Digest) {
			continue
		}
		if err := p.child(index, child); err != nil {
			return fmt.Errorf("child %s: %w", child.Digest, err)
		}
	}
	return nil
}

func (p *puller) child(index v1.ImageIndex, child v1.Descriptor) error {
	if child.MediaType.IsIndex() {
		nested, err := index.ImageIndex(child.Digest)
		if err != nil {
			return err
		}
		return p.index(nested)
	}
	image, err := index.Image(child.Digest)
	if err != nil {
		return err
	}
	return p.image(image)
}

func (p *puller) image(image v1.Image) error {
	if _, err := image.RawConfigFile(); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return err
		}
		if !p.first(digest) {
			continue
		}
		if err := read(layer); err != nil {
			return fmt.Errorf("layer %s: %w", digest, err)
		}
	}
	return nil
}

func read(layer v1.Layer) error {
	content, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(io.Discard, content)
	return err
}
