package oci

import (
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// mostBlobBytes is more than any blob has.
const mostBlobBytes = 1 << 44

// Links are what a manifest names, whatever its media type.
type Links struct {
	MediaType    types.MediaType   `json:"mediaType"`
	ArtifactType string            `json:"artifactType"`
	Config       *v1.Descriptor    `json:"config"`
	Layers       []v1.Descriptor   `json:"layers"`
	Blobs        []v1.Descriptor   `json:"blobs"`
	Manifests    []v1.Descriptor   `json:"manifests"`
	Subject      *v1.Descriptor    `json:"subject"`
	Annotations  map[string]string `json:"annotations"`
}

// Parse reads what a manifest names. It refuses what is no manifest: a manifest that is an
// image to one reader and an index to another (what was copied would not be what is
// pulled), an image without a config, digests that nobody can compute and absurd sizes.
func Parse(manifest Manifest) (*Links, error) {
	links := new(Links)
	err := json.Unmarshal(manifest.Body, links)
	if err == nil {
		err = links.check(manifest)
	}
	if err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", manifest.Descriptor.Digest, err)
	}
	return links, nil
}

func (l *Links) check(manifest Manifest) error {
	if err := unambiguous(manifest); err != nil {
		return err
	}
	if l.Config == nil && manifest.Descriptor.MediaType.IsImage() {
		return errors.New("it is an image and names no config")
	}
	sizes := map[v1.Hash]int64{}
	for _, d := range append(l.blobs(), l.Manifests...) {
		if err := checkDescriptor(d); err != nil {
			return err
		}
		if size, ok := sizes[d.Digest]; ok && size != d.Size {
			return fmt.Errorf("%s is said to have %d and %d bytes", d.Digest, size, d.Size)
		}
		sizes[d.Digest] = d.Size
	}
	return nil
}

// unambiguous refuses a manifest of one type that has the fields of another, as the image
// specification asks.
func unambiguous(manifest Manifest) error {
	var fields struct {
		Config    json.RawMessage `json:"config"`
		Layers    json.RawMessage `json:"layers"`
		Manifests json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(manifest.Body, &fields); err != nil {
		return err
	}
	image, index := fields.Config != nil || fields.Layers != nil, fields.Manifests != nil
	if is := manifest.Descriptor.MediaType; is.IsIndex() && image || !is.IsIndex() && index {
		return fmt.Errorf("it is of type %s, and has the fields of another", is)
	}
	return nil
}

func checkDescriptor(d v1.Descriptor) error {
	if _, err := v1.Hasher(d.Digest.Algorithm); err != nil {
		return err
	}
	if d.Digest.Hex == "" || d.Size < 0 || d.Size > mostBlobBytes {
		return fmt.Errorf("%s: absurd size %d", d.Digest, d.Size)
	}
	return nil
}

// Needs lists the config, the layers and other blobs, each once, those too that stay where
// their vendor keeps them (IsForeign).
func (l *Links) Needs() []v1.Descriptor {
	all := l.blobs()
	once := all[:0]
	seen := make(map[v1.Hash]bool, len(all))
	for _, blob := range all {
		if !seen[blob.Digest] {
			seen[blob.Digest] = true
			once = append(once, blob)
		}
	}
	return once
}

func (l *Links) blobs() []v1.Descriptor {
	var all []v1.Descriptor
	if l.Config != nil {
		all = append(all, *l.Config)
	}
	return append(append(all, l.Layers...), l.Blobs...)
}

// Referrer is the descriptor under which the referrers API lists the manifest d, whose links
// these are.
func (l *Links) Referrer(d v1.Descriptor) v1.Descriptor {
	kind := l.ArtifactType
	if kind == "" && l.Config != nil {
		kind = string(l.Config.MediaType)
	}
	return v1.Descriptor{
		MediaType: d.MediaType, Digest: d.Digest, Size: d.Size,
		ArtifactType: kind, Annotations: l.Annotations,
	}
}
