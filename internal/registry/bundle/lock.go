package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// LockSchema is the only value that Lock.Schema may have.
const LockSchema = "pgrelocate.lock/v1"

// maxLock is the most that a lock may hold, in bytes.
const maxLock = 16 << 20

// Lock names by digest what a bundle carries, or what a registry holds (a receipt). It
// tells no time and no place, so that the same content has the same lock.
type Lock struct {
	// Schema is LockSchema.
	Schema string `json:"schema"`
	// Artifacts are in the order of their target references.
	Artifacts []LockedArtifact `json:"artifacts"`
	// Attachments are signatures, attestations, SBOMs and referrers of the artifacts.
	Attachments []LockedAttachment `json:"attachments,omitempty"`
	// Blobs are the distinct configs and layers of all of them, by digest.
	Blobs []LockedBlob `json:"blobs"`
}

// LockedArtifact is an artifact with the digest that it had. In a bundle its target has
// no host yet.
type LockedArtifact struct {
	versions.Artifact
	// Base is the folder at the head of the target's repository that a user may replace,
	// "tanzu-sql-postgres"; it may be empty.
	Base      string          `json:"base,omitempty"`
	Digest    v1.Hash         `json:"digest"`
	MediaType types.MediaType `json:"mediaType"`
	// Size is that of the manifest, in bytes.
	Size int64 `json:"size"`
}

// LockedAttachment is something that belongs to an artifact of the lock.
type LockedAttachment struct {
	// Source and Target have a tag or, for referrers, a digest.
	Source    ref.Reference   `json:"source"`
	Target    ref.Reference   `json:"target"`
	Base      string          `json:"base,omitempty"`
	Digest    v1.Hash         `json:"digest"`
	MediaType types.MediaType `json:"mediaType"`
	Size      int64           `json:"size"`
}

// LockedBlob is a config or a layer.
type LockedBlob struct {
	Digest v1.Hash `json:"digest"`
	// Size is in bytes.
	Size int64 `json:"size"`
	// Repositories are those of the target that hold it, or will.
	Repositories []string `json:"repositories"`
	// Omitted blobs are not in the bundle: it is a delta, and the other side has them.
	Omitted bool `json:"omitted,omitempty"`
}

func (a LockedArtifact) descriptor() v1.Descriptor {
	return v1.Descriptor{MediaType: a.MediaType, Digest: a.Digest, Size: a.Size}
}

func (a LockedAttachment) descriptor() v1.Descriptor {
	return v1.Descriptor{MediaType: a.MediaType, Digest: a.Digest, Size: a.Size}
}

// Marshal is the lock as it stands in a bundle: the same lock gives the same bytes.
func (l *Lock) Marshal() []byte {
	l.sort()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(l); err != nil {
		panic(err) // strings and numbers only: there is nothing in a lock that cannot be encoded
	}
	return b.Bytes()
}

// ParseLock reads a lock and holds it against its rules: known fields only, digests,
// sizes and references that can be, nothing twice.
func ParseLock(data []byte) (*Lock, error) {
	if len(data) > maxLock {
		return nil, fmt.Errorf("a lock of %d bytes is too large", len(data))
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	l := new(Lock)
	if err := d.Decode(l); err != nil {
		return nil, fmt.Errorf("not a lock: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not a lock: something follows it")
	}
	return l, l.check()
}

// ReadLock reads a lock from a file of its own, a receipt for example, or out of a bundle.
func ReadLock(ctx context.Context, path string) (*Lock, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 1)
	if _, err := io.ReadFull(f, head); err == nil && head[0] == '{' {
		rest, err := io.ReadAll(io.LimitReader(f, maxLock))
		if err != nil {
			return nil, err
		}
		lock, err := ParseLock(append(head, rest...))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return lock, nil
	}
	b, err := Open(ctx, path, OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return b.Lock(), nil
}

// Omits tells whether the lock belongs to a delta.
func (l *Lock) Omits() bool {
	return slices.ContainsFunc(l.Blobs, func(b LockedBlob) bool { return b.Omitted })
}

// Omitted are the blobs that a delta leaves out.
func (l *Lock) Omitted() []LockedBlob {
	return slices.DeleteFunc(slices.Clone(l.Blobs), func(b LockedBlob) bool { return !b.Omitted })
}

func (l *Lock) sort() {
	slices.SortFunc(l.Artifacts, func(a, b LockedArtifact) int {
		return strings.Compare(a.Target.String()+a.Source.String(), b.Target.String()+b.Source.String())
	})
	slices.SortFunc(l.Attachments, func(a, b LockedAttachment) int {
		return strings.Compare(a.Target.String()+a.Source.String(), b.Target.String()+b.Source.String())
	})
	slices.SortFunc(l.Blobs, func(a, b LockedBlob) int {
		return strings.Compare(a.Digest.String(), b.Digest.String())
	})
	for _, b := range l.Blobs {
		slices.Sort(b.Repositories)
	}
	if l.Artifacts == nil {
		l.Artifacts = []LockedArtifact{}
	}
	if l.Blobs == nil {
		l.Blobs = []LockedBlob{}
	}
}
