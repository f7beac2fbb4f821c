package lock

import (
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Content is artifacts and what is attached to them, with all of their manifests: everything
// but the blobs.
type Content struct {
	Artifacts   []Artifact
	Attachments []Attachment
	// Manifests are those of artifacts and attachments with everything below them, once
	// each, in any order.
	Manifests []oci.Manifest
}

// Lock is the content's lock. It holds each manifest against its digest. What since holds is
// omitted; nil leaves out nothing.
func (c *Content) Lock(since *Lock) (*Lock, error) {
	parsed, err := c.parse()
	if err != nil {
		return nil, err
	}
	return New(c.Artifacts, c.Attachments, func(digest v1.Hash) (*oci.Links, bool) {
		l, ok := parsed[digest]
		return l, ok
	}, since)
}

// New makes a lock: from the manifests, which parsed finds, it works out the blobs and the
// repositories that need them. What since holds is omitted; nil leaves out nothing.
func New(artifacts []Artifact, attachments []Attachment, parsed func(v1.Hash) (*oci.Links, bool), since *Lock) (*Lock, error) {
	g := newGraph(parsed)
	for _, a := range artifacts {
		g.left = a.Left
		if err := g.walk(a.Digest, a.Target.Repository); err != nil {
			return nil, fmt.Errorf("%s: %w", a.Source, err)
		}
	}
	g.left = nil
	for _, a := range attachments {
		if err := g.walk(a.Digest, a.Target.Repository); err != nil {
			return nil, fmt.Errorf("%s: %w", a.Source, err)
		}
	}
	l := &Lock{
		Schema:      Schema,
		Artifacts:   slices.Clone(artifacts),
		Attachments: slices.Clone(attachments),
		Blobs:       g.locked(since),
	}
	l.sort()
	return l, l.check()
}

// parse reads the manifests, and holds each against its digest.
func (c *Content) parse() (map[v1.Hash]*oci.Links, error) {
	all := make(map[v1.Hash]*oci.Links)
	for _, m := range c.Manifests {
		if err := CheckDigest(m); err != nil {
			return nil, err
		}
		all[m.Descriptor.Digest] = &oci.Links{}
		if !oci.IsManifest(m.Descriptor.MediaType) {
			continue // of a type that nobody knows: it leads nowhere
		}
		l, err := oci.Parse(m)
		if err != nil {
			return nil, err
		}
		all[m.Descriptor.Digest] = l
	}
	return all, nil
}

// CheckDigest holds a manifest's bytes against its digest. errors.Is tells
// registry.ErrDigestMismatch.
func CheckDigest(m oci.Manifest) error {
	h, err := v1.Hasher(m.Descriptor.Digest.Algorithm)
	if err != nil {
		return err
	}
	h.Write(m.Body)
	if got := fmt.Sprintf("%s:%x", m.Descriptor.Digest.Algorithm, h.Sum(nil)); got != m.Descriptor.Digest.String() {
		return fmt.Errorf("manifest %s: %w: the content has %s", m.Descriptor.Digest, registry.ErrDigestMismatch, got)
	}
	return nil
}
