package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
)

// Archives of "docker save" in its old format hold no manifests. Their layers are plain
// tars, so that the config's diff IDs are the layers' digests; a manifest of OCI's types
// then follows from the content alone, and the image has the same digest wherever and
// however often it is read. It is not the digest that the vendor's registry has.

// collector collects what archives hold, as one OCI image layout.
type collector struct {
	archive *Archive
	index   v1.IndexManifest
	// digests are those of the compressed layers that were read: an image may name one a
	// thousand times.
	digests map[section]v1.Hash
	// read is the bytes of all configs.
	read int
}

func newImages() *collector {
	return &collector{
		archive: newArchive(),
		index:   v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex},
		digests: make(map[section]v1.Hash),
	}
}

// fromDocker reads one docker archive.
func fromDocker(ctx context.Context, members []member) (*Archive, error) {
	all := newImages()
	if err := all.addDocker(ctx, members); err != nil {
		return nil, err
	}
	return all.layout(), nil
}

// layout is what was collected.
func (all *collector) layout() *Archive {
	all.archive.Files[imagelayout.VersionFile] = inMemory(imagelayout.Version)
	all.archive.Files[imagelayout.IndexFile] = inMemory(imagelayout.Encode(all.index))
	return all.archive
}

func (all *collector) addDocker(ctx context.Context, members []member) error {
	named := make(map[string]member)
	for _, m := range members {
		named[m.name] = m
	}
	body, err := readMember(named, imagelayout.DockerFile)
	if err != nil {
		return err
	}
	var entries []imagelayout.DockerImage
	if err := jsonlimit.Unmarshal(body, &entries); err != nil {
		return fmt.Errorf("%s: %w", imagelayout.DockerFile, err)
	}
	for _, entry := range entries {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := all.addImage(ctx, named, entry); err != nil {
			return fmt.Errorf("image %v: %w", entry.RepoTags, err)
		}
	}
	return nil
}

// What no archive comes to.
const (
	maxLayers  = 10_000   // of an image
	maxConfigs = 64 << 20 // bytes of all configs, each as often as an image names it
)

// dockerConfig is what is read of an image's config.
type dockerConfig struct {
	v1.Platform
	RootFS struct {
		DiffIDs []v1.Hash `json:"diff_ids"`
	} `json:"rootfs"`
}

func (all *collector) addImage(ctx context.Context, named map[string]member, entry imagelayout.DockerImage) error {
	body, err := readMember(named, entry.Config)
	if err != nil {
		return err
	}
	if all.read += len(body); all.read > maxConfigs {
		return fmt.Errorf("configs of more than %d bytes in all", maxConfigs)
	}
	if len(entry.Layers) > maxLayers {
		return fmt.Errorf("more than %d layers", maxLayers)
	}
	var config dockerConfig
	if err := jsonlimit.Unmarshal(body, &config); err != nil {
		return fmt.Errorf("config %s: %w", entry.Config, err)
	}
	if len(config.RootFS.DiffIDs) != len(entry.Layers) {
		return fmt.Errorf("config %s names %d layers and there are %d", entry.Config, len(config.RootFS.DiffIDs), len(entry.Layers))
	}
	manifest := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}
	manifest.Config = all.addBody(types.OCIConfigJSON, body)
	for i, name := range entry.Layers {
		layer, err := all.addLayer(ctx, named, name, config.RootFS.DiffIDs[i])
		if err != nil {
			return fmt.Errorf("layer %s: %w", name, err)
		}
		manifest.Layers = append(manifest.Layers, layer)
	}
	all.addManifest(manifest, &v1.Platform{
		OS: config.OS, Architecture: config.Architecture, Variant: config.Variant,
	}, entry.RepoTags...)
	return nil
}

// addBody keeps something small.
func (all *collector) addBody(t types.MediaType, body []byte) v1.Descriptor {
	digest, size, _ := v1.SHA256(bytes.NewReader(body))
	all.archive.Blobs[digest] = inMemory(body)
	return v1.Descriptor{MediaType: t, Digest: digest, Size: size}
}

// addManifest keeps a manifest and lists it under its names.
func (all *collector) addManifest(m v1.Manifest, platform *v1.Platform, names ...string) {
	if m.Layers == nil {
		m.Layers = []v1.Descriptor{}
	}
	d := all.addBody(m.MediaType, imagelayout.Encode(m))
	d.Platform = platform
	for _, name := range names {
		named := d
		named.Annotations = map[string]string{imagelayout.RefName: name}
		all.index.Manifests = append(all.index.Manifests, named)
	}
	if len(names) == 0 {
		all.index.Manifests = append(all.index.Manifests, d)
	}
}

// addLayer finds a layer's digest. A compressed one has to be read for that.
func (all *collector) addLayer(ctx context.Context, named map[string]member, name string, diffID v1.Hash) (v1.Descriptor, error) {
	m, err := follow(named, name)
	if err != nil {
		return v1.Descriptor{}, err
	}
	d := v1.Descriptor{MediaType: types.OCIUncompressedLayer, Digest: diffID, Size: m.size}
	head := make([]byte, 4)
	n, _ := m.at.ReadAt(head[:min(4, m.size)], m.offset)
	switch head = head[:n]; {
	case bytes.HasPrefix(head, gzipMagic):
		d.MediaType = types.OCILayer
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d.MediaType = types.OCILayerZStd
	}
	if d.MediaType != types.OCIUncompressedLayer {
		if d.Digest, err = all.digest(ctx, m.section); err != nil {
			return v1.Descriptor{}, err
		}
	}
	all.archive.Blobs[d.Digest] = m.section
	return d, nil
}

// digest reads a layer, once.
func (all *collector) digest(ctx context.Context, layer section) (v1.Hash, error) {
	if known, ok := all.digests[layer]; ok {
		return known, nil
	}
	r, err := layer.Open(0)
	if err != nil {
		return v1.Hash{}, err
	}
	digest, _, err := v1.SHA256(files.Until(ctx, r))
	if err != nil {
		return v1.Hash{}, err
	}
	all.digests[layer] = digest
	return digest, nil
}

func readMember(named map[string]member, name string) ([]byte, error) {
	m, err := follow(named, name)
	if err != nil {
		return nil, err
	}
	body, err := ReadSmall(m, maxSmall)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return body, nil
}

// follow finds a member by its name; links lead to other members, and nowhere else.
func follow(named map[string]member, name string) (member, error) {
	for range 8 {
		m, ok := named[path.Clean(name)]
		if !ok {
			return member{}, fmt.Errorf("%s is missing", name)
		}
		if m.link == "" {
			return m, nil
		}
		name = m.link
	}
	return member{}, errors.New("links that lead in circles")
}
