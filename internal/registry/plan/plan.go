package plan

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// State says what a plan means to do with an artifact.
type State string

// The states of a planned artifact.
const (
	// StateNew: the target does not have the tag.
	StateNew State = "new"
	// StatePresent: the target's tag holds the same digest; there is nothing to do.
	StatePresent State = "present"
	// StateUpdate: the target's tag holds other content and will be moved.
	StateUpdate State = "update"
	// StateAttach: the image is there, but not all that is attached to it: signatures, SBOMs.
	StateAttach State = "attach"
	// StateDamaged: the target's tag holds the same digest, and not all that belongs to it is
	// there; what is missing will be put again. Only a plan that checks finds it.
	StateDamaged State = "damaged"
	// StateSkip: the target's tag holds other content and stays as it is.
	StateSkip State = "skip"
	// StateFailed: the artifact cannot be copied; Artifact.Err says why.
	StateFailed State = "failed"
)

// OnConflict says what happens to a target's tag that holds other content.
type OnConflict string

// The answers to a conflict. The zero value means ConflictFail.
const (
	ConflictFail   OnConflict = "fail"
	ConflictUpdate OnConflict = "update"
	ConflictSkip   OnConflict = "skip"
)

// ConflictError says that the target's tag holds other content, and that Options.OnConflict lets
// nobody touch it. It unwraps to registry.ErrConflict.
type ConflictError struct {
	// Held and Wanted are the digests of what is there and of what the source has.
	Held, Wanted string
	// Platforms are those that the target has of the very thing that the source has, where the two
	// differ in nothing else: "linux/arm64", or "all platforms". Empty is other content.
	Platforms string
}

// Error names both digests.
func (e *ConflictError) Error() string {
	if e.Platforms != "" {
		return fmt.Sprintf("%v: the same for %s there, as %s, and %s is wanted", registry.ErrConflict, e.Platforms, e.Held, e.Wanted)
	}
	return fmt.Sprintf("%v: %s there, %s at the source", registry.ErrConflict, e.Held, e.Wanted)
}

// Unwrap returns registry.ErrConflict.
func (e *ConflictError) Unwrap() error { return registry.ErrConflict }

// Options steer New. The zero value copies every platform and everything
// attached to an image, and fails on conflicts.
type Options struct {
	// Platforms are those whose images are wanted of an index; none copies indexes whole. An
	// image or an index that is for none of them fails.
	Platforms []v1.Platform
	// Index says what becomes of an index where there are Platforms.
	Index Index
	// Left are the digests of what indexes name and the source does not have on purpose: a bundle into
	// which it was not taken. They are no loss, and nothing of them is wanted.
	Left map[v1.Hash]bool
	// OnConflict is ConflictFail when empty.
	OnConflict OnConflict
	// Check looks for everything below what the target has a tag for, with one request a blob:
	// a tag may be there and its blobs gone.
	Check bool
	// Measure reads at the target the manifests of what is present, so that their sizes are known:
	// one request an image.
	Measure bool
	// Admit decides whether an artifact may be copied, before anything of it is moved: one for which
	// it returns an error fails. The artifact's state, digests and own manifests are known then. It
	// is called from many goroutines at once; nil lets everything through.
	Admit func(context.Context, *Artifact) error
	// Elsewhere are repositories of the target, by blobs that they are known to hold: what a delta
	// leaves out may lie in one that the plan has nothing to do with.
	Elsewhere map[v1.Hash]string
	// Awaited are repositories of the target in which somebody else is putting blobs at the same time:
	// see Blob.Awaited.
	Awaited map[v1.Hash][]string
	// Pins are what a lock says of artifacts, by their targets: see Pin.
	Pins map[ref.Reference]Pin
	// Refresh asks the source of pinned artifacts too that the target holds as they are pinned.
	Refresh bool
	// AllowDrift takes what the source has where a pin has something else.
	AllowDrift bool
	// WithoutAttachments leaves signatures, attestations, SBOMs and referrers behind.
	WithoutAttachments bool
}

// Artifact is one artifact of a plan.
type Artifact struct {
	versions.Artifact
	State State
	// Digest and MediaType are those of the source's manifest.
	Digest    string
	MediaType string
	// TargetDigest is what the target's tag holds now; empty where there is no such tag.
	TargetDigest string
	// Missing are the digests of what is gone where State is StateDamaged, and where it is StateAttach
	// of what was attached.
	Missing []string
	// Size is the bytes of the artifact's distinct blobs, those of attachments too; for one that is
	// present those of its image, and 0 unless Options.Measure has its manifest read.
	Size int64
	// Sparse says that it is an index some of whose images stay behind.
	Sparse bool
	// Attachments are the references, by digest, of what travels with the image.
	Attachments []string
	// AttachedBefore says that some of what is attached to it is at the target already, and so in
	// neither Attachments nor Manifests.
	AttachedBefore bool
	// Settled says that the target holds what is pinned, and that the source was not asked.
	Settled bool
	// below are the digests of its manifests at the target, where that was checked.
	below []v1.Hash
	// Dangling is how much the source lists as attached to it, and does not have.
	Dangling int
	// Drift is what is other than the pin says, refused or allowed.
	Drift []Drift
	// Err is set where State is StateFailed.
	Err error

	// SourceDigest is what the source's reference stands for. It is another than Digest where one
	// platform's image, or an index of our own making, takes its place.
	SourceDigest string
	// Checked is what Options.Admit found out; nil where it checked nothing.
	Checked *Checked
	// Origin is where the source keeps it.
	Origin Origin
	// Incomplete is why it is not known what is attached to the image, or why some of it
	// cannot be had; nil where all of it is known. The image itself can be copied.
	Incomplete *registry.IncompleteError
	// Manifests are what a copy puts, in that order: everything before what names it, what is
	// attached to an image after the image, and the artifact's own tag last. Some registries
	// refuse a signature whose image is not there yet. It is empty where there is nothing to do.
	Manifests []Manifest

	manifestBytes *atomic.Int64 // of all manifests that were read for it, for their bound
}

// Moves tells whether a copy puts the artifact's own content.
func (a *Artifact) Moves() bool {
	return a.State == StateNew || a.State == StateUpdate || a.State == StateDamaged
}

// Repairs tells whether a copy puts back something that the target has lost: of the artifact, or of what
// is attached to it.
func (a *Artifact) Repairs() bool {
	return a.State == StateDamaged || a.State == StateAttach && len(a.Missing) > 0
}

// Checked is what was checked of an artifact before it was let through.
type Checked struct {
	// At is when.
	At time.Time
	// Digest is what is signed: the source's. It is empty where no signature was asked for.
	Digest string
	// Key is the fingerprint of the public key by which it is signed; or Identity is who has, and
	// Issuer who says so.
	Key, Identity, Issuer string
	// Created is when the artifact was made, by its vendor's word; zero where nobody asked.
	Created time.Time
}

// Blob is one distinct blob of a plan.
type Blob struct {
	Digest    string
	MediaType string
	Size      int64
	// Repositories are the target's repositories that need the blob, in the plan's order: the
	// first that lacks it receives the upload, unless another holds it; the others mount it.
	Repositories []string
	// Present are those of them that hold it already.
	Present []string
	// Elsewhere is a repository of the target that holds it and does not need it, where none of
	// Repositories does; it is mounted from there.
	Elsewhere string
	// Awaited are repositories of the target in which somebody else is putting the blob at the same
	// time. It is fetched last, and not where one of them holds it by then.
	Awaited []string

	// Descriptor is the blob's as the first manifest that names it has it.
	Descriptor v1.Descriptor
	// Origins are the repositories of sources in which it can be read.
	Origins []Origin
}

// Home is a repository of the target that holds the blob; empty where it has to be fetched.
func (b *Blob) Home() string {
	if len(b.Present) > 0 {
		return b.Present[0]
	}
	return b.Elsewhere
}

// Plan is what a copy would do: the artifacts with their digests, the distinct blobs
// that have to move, and how many bytes that is.
type Plan struct {
	Artifacts []*Artifact
	// Blobs are the distinct blobs of all artifacts that are not present, largest first.
	Blobs []*Blob
	// BytesToMove are the blobs' bytes that are fetched and sent, once each; BytesPresent are
	// those of blobs that the target holds already, and with Options.Measure of all that is present.
	BytesToMove  int64
	BytesPresent int64
	// Warnings are things a user should know before the copy: non-distributable layers
	// that cannot be fetched, for example.
	Warnings []string
}

// Forget drops what nobody needs once the plan was carried out: which blobs there are, and who needs
// them. The artifacts stay, with their manifests.
func (p *Plan) Forget() {
	p.Blobs = nil
	for _, a := range p.Artifacts {
		for i := range a.Manifests {
			a.Manifests[i].Blobs = nil
		}
	}
}
