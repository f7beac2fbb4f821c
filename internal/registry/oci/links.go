package oci

import (
	"encoding/hex"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
)

// What no manifest comes to.
const (
	mostBlobBytes = 1 << 44 // of one blob
	mostLinks     = 10_000  // to blobs, layers or manifests
)

// Links are what a manifest names, whatever its media type.
type Links struct {
	MediaType    types.MediaType
	ArtifactType string
	Config       *v1.Descriptor
	Layers       []v1.Descriptor
	Blobs        []v1.Descriptor
	Manifests    []v1.Descriptor
	Subject      *v1.Descriptor
	Annotations  map[string]string
}

// Parse reads what a manifest names. It refuses what is no manifest: a manifest that is an
// image to one reader and an index to another (what was copied would not be what is
// pulled), an image without a config, digests that nobody can compute and absurd sizes. It
// takes no more than a few times the manifest's size in memory.
func Parse(manifest Manifest) (*Links, error) {
	r := reader{links: new(Links), sizes: map[v1.Hash]int64{}}
	err := r.read(manifest)
	if err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", manifest.Descriptor.Digest, err)
	}
	return r.links, nil
}

// reader reads one manifest.
type reader struct {
	links *Links
	// image and index say that there are fields of the one or the other.
	image, index bool
	sizes        map[v1.Hash]int64
}

func (r *reader) read(manifest Manifest) error {
	l := r.links
	err := jsonlimit.Object(manifest.Body, jsonlimit.Fields{
		"mediaType":    jsonlimit.Value(&l.MediaType),
		"artifactType": jsonlimit.Value(&l.ArtifactType),
		"config":       r.of(&r.image, r.config),
		"layers":       r.of(&r.image, jsonlimit.List(&l.Layers, mostLinks, r.check)),
		"blobs":        jsonlimit.List(&l.Blobs, mostLinks, r.check),
		"manifests":    r.of(&r.index, jsonlimit.List(&l.Manifests, mostLinks, r.check)),
		"subject":      jsonlimit.Value(&l.Subject),
		"annotations":  jsonlimit.Value(&l.Annotations),
	})
	if err != nil {
		return err
	}
	is := manifest.Descriptor.MediaType
	switch {
	case is.IsIndex() && r.image || !is.IsIndex() && r.index:
		return fmt.Errorf("it is of type %s, and has the fields of another", is)
	case l.Config == nil && is.IsImage():
		return errors.New("it is an image and names no config")
	}
	return nil
}

func (r *reader) config(d *jsonlimit.Decoder) error {
	err := d.Decode(&r.links.Config)
	if err != nil || r.links.Config == nil {
		return err
	}
	return r.check(r.links.Config)
}

// of notes that a field is there which only one kind of manifest has.
func (r *reader) of(kind *bool, field jsonlimit.Field) jsonlimit.Field {
	return func(d *jsonlimit.Decoder) error {
		*kind = true
		return field(d)
	}
}

// check refuses a descriptor that cannot be, alone or beside those before it.
func (r *reader) check(d *v1.Descriptor) error {
	hasher, err := v1.Hasher(d.Digest.Algorithm)
	if err != nil {
		return err
	}
	if d.Digest.Hex == "" || d.Size < 0 || d.Size > mostBlobBytes {
		return fmt.Errorf("%s: absurd size %d", d.Digest, d.Size)
	}
	if nothing := hex.EncodeToString(hasher.Sum(nil)); d.Size == 0 && d.Digest.Hex != nothing && !IsForeign(*d) {
		return fmt.Errorf("%s is said to have no bytes, and has the digest of some", d.Digest)
	}
	if size, ok := r.sizes[d.Digest]; ok && size != d.Size {
		return fmt.Errorf("%s is said to have %d and %d bytes", d.Digest, size, d.Size)
	}
	r.sizes[d.Digest] = d.Size
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
