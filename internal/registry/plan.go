package registry

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/versions"
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
	// StateSkip: the target's tag holds other content and stays as it is.
	StateSkip State = "skip"
	// StateFailed: the artifact cannot be copied; PlannedArtifact.Err says why.
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

// Endpoints are the two sides of a copy.
type Endpoints struct {
	// Source returns what serves the content of a host, "registry.example.com:5000".
	Source func(host string) (Source, error)
	Target Target
}

// PlanOptions steer NewPlan. The zero value copies every platform and everything
// attached to an image, and fails on conflicts.
type PlanOptions struct {
	// Platform narrows an index to the one image that satisfies it, which then stands under
	// the index's tag; nil copies indexes whole. Several cannot be chosen: that would take
	// an index of our own making, with another digest than the vendor's.
	Platform *v1.Platform
	// OnConflict is ConflictFail when empty.
	OnConflict OnConflict
	// WithoutAttachments leaves signatures, attestations, SBOMs and referrers behind.
	WithoutAttachments bool
}

// PlannedArtifact is one artifact of a plan.
type PlannedArtifact struct {
	versions.Artifact
	State State `json:"state"`
	// Digest and MediaType are those of the source's manifest.
	Digest    string `json:"digest,omitempty"`
	MediaType string `json:"mediaType,omitempty"`
	// TargetDigest is what the target's tag holds now; empty where there is no such tag.
	TargetDigest string `json:"targetDigest,omitempty"`
	// Size is the bytes of the artifact's distinct blobs, those of attachments too; 0 for an
	// artifact that is present, whose manifest is not fetched.
	Size int64 `json:"size"`
	// Attachments are the references, by digest, of what travels with the image.
	Attachments []string `json:"attachments,omitempty"`
	// Err is set where State is StateFailed.
	Err error `json:"-"`

	source Source
	nodes  []node // what has to be put, in this order
	// manifestBytes are those of the manifests that were read, for their bound.
	manifestBytes int64
}

// PlannedBlob is one distinct blob of a plan.
type PlannedBlob struct {
	Digest    string `json:"digest"`
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
	// Repositories are the target's repositories that need the blob, in the plan's order: the
	// first that lacks it receives the upload, unless another holds it; the others mount it.
	Repositories []string `json:"repositories"`
	// Present are those of them that hold it already.
	Present []string `json:"present,omitempty"`

	descriptor v1.Descriptor
	places     []place
}

// Plan is what a copy would do: the artifacts with their digests, the distinct blobs
// that have to move, and how many bytes that is.
type Plan struct {
	Artifacts []*PlannedArtifact `json:"artifacts"`
	// Blobs are the distinct blobs of all artifacts that are not present, largest first.
	Blobs []*PlannedBlob `json:"blobs"`
	// BytesToMove are the blobs' bytes that are fetched and sent, once each; BytesPresent are
	// those of blobs that the target holds already.
	BytesToMove  int64 `json:"bytesToMove"`
	BytesPresent int64 `json:"bytesPresent"`
	// Warnings are things a user should know before the copy: non-distributable layers
	// that cannot be fetched, for example.
	Warnings []string `json:"warnings,omitempty"`
}
