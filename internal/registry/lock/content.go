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
	places, err := c.check()
	if err != nil {
		return nil, err
	}
	// Each is read again where it is needed: all of them, read, would be several times their size.
	return build(c.Artifacts, c.Attachments, func(digest v1.Hash) (*oci.Links, bool) {
		i, ok := places[digest]
		if !ok {
			return nil, false
		}
		l, err := parse(c.Manifests[i])
		return l, err == nil
	}, stepsOf(len(c.Artifacts)), since)
}

// New makes a lock: from the manifests, which parsed finds, it works out the blobs and the
// repositories that need them. What since holds is omitted; nil leaves out nothing.
func New(artifacts []Artifact, attachments []Attachment, parsed func(v1.Hash) (*oci.Links, bool), since *Lock) (*Lock, error) {
	return build(artifacts, attachments, parsed, maxSteps, since)
}

func build(artifacts []Artifact, attachments []Attachment, parsed func(v1.Hash) (*oci.Links, bool), steps int, since *Lock) (*Lock, error) {
	g := newGraph(parsed, steps)
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
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("the lock of it would not be one: %w", err)
	}
	return l, nil
}

// check holds each manifest against its digest, and reads it. It returns their places.
func (c *Content) check() (map[v1.Hash]int, error) {
	places := make(map[v1.Hash]int, len(c.Manifests))
	for i, m := range c.Manifests {
		if err := CheckDigest(m); err != nil {
			return nil, err
		}
		if _, err := parse(m); err != nil {
			return nil, err
		}
		places[m.Descriptor.Digest] = i
	}
	return places, nil
}

// parse reads what a manifest leads to: one of a type that nobody knows leads nowhere.
func parse(m oci.Manifest) (*oci.Links, error) {
	if !oci.IsManifest(m.Descriptor.MediaType) {
		return &oci.Links{}, nil
	}
	return oci.Parse(m)
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
