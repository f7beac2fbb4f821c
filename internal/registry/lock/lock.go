// Package lock is a plan as it was carried out, by digest: what a bundle carries, what a
// registry holds, and what both are held against.
//
// Collect reads everything but the blobs of artifacts at a source, Content.Lock locks it, and
// Receipt locks what a registry really holds.
package lock

import (
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Schema is what Lock.Schema is of every lock that is made; Earlier is that of locks which are
// still read. They say less, in the same words.
const (
	Schema  = "pgrelocate.lock/v2"
	Earlier = "pgrelocate.lock/v1"
)

// What a lock may hold. What would hold more is not written, for nobody could read it: see CheckRoom.
const (
	MaxSize      = 64 << 20 // bytes
	MaxArtifacts = 50_000   // and as many attachments
	MaxBlobs     = 400_000
)

// MaxManifest is the most that a manifest may hold, in bytes; registries set the same.
const MaxManifest = 4 << 20

// Lock names by digest what a bundle carries, or what a registry holds (a receipt). It
// tells no time and no place, so that the same content has the same lock.
type Lock struct {
	// Schema is Schema, or Earlier where the lock was read.
	Schema string `json:"schema"`
	// Planned says that it is what somebody means to do, and that none of it need be there.
	Planned bool `json:"planned,omitempty"`
	// Selection is what was asked for; nil in bundles and receipts.
	Selection *Selection `json:"selection,omitempty"`
	// Artifacts are in the order of their target references.
	Artifacts []Artifact `json:"artifacts"`
	// Attachments are signatures, attestations, SBOMs and referrers of the artifacts.
	Attachments []Attachment `json:"attachments,omitempty"`
	// Blobs are the distinct configs and layers of all of them, by digest.
	Blobs []Blob `json:"blobs"`
}

// Artifact is an artifact with the digest that it had. In a bundle its target has
// no host yet.
type Artifact struct {
	versions.Artifact
	// Base is the folder at the head of the target's repository that a user may replace,
	// "tanzu-sql-postgres"; it may be empty.
	Base      string          `json:"base,omitempty"`
	Digest    v1.Hash         `json:"digest"`
	MediaType types.MediaType `json:"mediaType"`
	// Size is that of the manifest, in bytes.
	Size int64 `json:"size"`
	// Bytes are those of its distinct blobs, with those of what is attached to it; 0 where nobody
	// has asked.
	Bytes int64 `json:"bytes,omitempty"`
	// Platforms are those of its images, "linux/amd64"; empty where it is no image, or where nobody
	// has asked.
	Platforms []string `json:"platforms,omitempty"`
	// Left are the digests of what its index names and was left behind on purpose, sorted: images for
	// platforms that nobody wanted, and what belongs to them.
	Left []v1.Hash `json:"left,omitempty"`
	// Attachments are the digests of those of the lock's attachments that belong to it, sorted.
	Attachments []v1.Hash `json:"attachments,omitempty"`
	// Checked is what was checked of it before it was let through; nil where nothing was asked for.
	Checked *Checked `json:"checked,omitempty"`
	// Held is the digest that the target's tag held when a lock that is Planned was made: another than
	// the artifact's own will be replaced. It is not there where there was no such tag.
	Held *v1.Hash `json:"held,omitempty"`
	// Retired says that the selection no longer wants it. It is at the target still, put there by
	// us: see pgrelocate prune.
	Retired bool `json:"retired,omitempty"`
}

// Attachment is something that belongs to an artifact of the lock.
type Attachment struct {
	// Source and Target have a tag or, for referrers, a digest.
	Source    ref.Reference   `json:"source"`
	Target    ref.Reference   `json:"target"`
	Base      string          `json:"base,omitempty"`
	Digest    v1.Hash         `json:"digest"`
	MediaType types.MediaType `json:"mediaType"`
	Size      int64           `json:"size"`
}

// Blob is a config or a layer.
type Blob struct {
	Digest v1.Hash `json:"digest"`
	// Size is in bytes.
	Size int64 `json:"size"`
	// Repositories are those of the target that hold it, or will.
	Repositories []string `json:"repositories"`
	// Omitted blobs are not in the bundle: it is a delta, and the other side has them.
	Omitted bool `json:"omitted,omitempty"`
	// Held says that the target held it when a lock that is Planned was made.
	Held bool `json:"held,omitempty"`
	// Artifacts are those that need it, by their places in the lock's Artifacts, from 0 and ascending;
	// only a lock that is Planned says so.
	Artifacts []int `json:"artifacts,omitempty"`
}

// Descriptor is that of the artifact's manifest.
func (a Artifact) Descriptor() v1.Descriptor {
	return v1.Descriptor{MediaType: a.MediaType, Digest: a.Digest, Size: a.Size}
}

// Descriptor is that of the attachment's manifest.
func (a Attachment) Descriptor() v1.Descriptor {
	return v1.Descriptor{MediaType: a.MediaType, Digest: a.Digest, Size: a.Size}
}

func (b Blob) descriptor() v1.Descriptor { return v1.Descriptor{Digest: b.Digest, Size: b.Size} }

// Parse reads a lock and holds it against its rules: known fields only, digests,
// sizes and references that can be, nothing twice.
func Parse(data []byte) (*Lock, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("a lock of %d bytes is too large", len(data))
	}
	l, names := new(Lock), make(names)
	var version error
	err := jsonlimit.ExactObject(data, jsonlimit.Fields{
		"schema": func(d *jsonlimit.Decoder) error {
			if err := d.Decode(&l.Schema); err != nil {
				return err
			}
			version = checkSchema(l.Schema) // before fields that another version has
			return version
		},
		"planned":     jsonlimit.Value(&l.Planned),
		"selection":   jsonlimit.Value(&l.Selection),
		"artifacts":   jsonlimit.List(&l.Artifacts, MaxArtifacts, (*Artifact).check),
		"attachments": jsonlimit.List(&l.Attachments, MaxArtifacts, (*Attachment).check),
		"blobs": jsonlimit.List(&l.Blobs, MaxBlobs, func(b *Blob) error {
			for i, name := range b.Repositories {
				b.Repositories[i] = names.one(name)
			}
			return b.check()
		}),
	})
	if err == nil {
		err = l.check()
	}
	switch {
	case errors.Is(version, ErrOtherVersion):
		return nil, version
	case err != nil:
		return nil, &NotALockError{err}
	}
	return l, nil
}

// names keep one of each: thousands of blobs are in a few repositories.
type names map[string]string

func (n names) one(name string) string {
	const most = 10_000
	if known, ok := n[name]; ok {
		return known
	}
	if len(n) < most {
		n[name] = name
	}
	return name
}

// Omits tells whether the lock belongs to a delta.
func (l *Lock) Omits() bool {
	return slices.ContainsFunc(l.Blobs, func(b Blob) bool { return b.Omitted })
}

// Omitted are the blobs that a delta leaves out.
func (l *Lock) Omitted() []Blob {
	return slices.DeleteFunc(slices.Clone(l.Blobs), func(b Blob) bool { return !b.Omitted })
}
