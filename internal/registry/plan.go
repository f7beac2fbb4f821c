package registry

import (
	"context"
	"time"

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
	// Platforms narrows indexes, "linux/amd64"; empty keeps them whole.
	Platforms []v1.Platform
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
	// Size is the bytes of the artifact's distinct blobs and manifests, attachments too;
	// 0 for an artifact that is present, whose manifest is not fetched.
	Size int64 `json:"size"`
	// Attachments are the references, by digest, of what travels with the image.
	Attachments []string `json:"attachments,omitempty"`
	// Err is set where State is StateFailed.
	Err error `json:"-"`

	work *artifactWork
}

// PlannedBlob is one distinct blob of a plan.
type PlannedBlob struct {
	Digest    string `json:"digest"`
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
	// Repositories are the target's repositories that need the blob; the first receives
	// the upload unless Present is not empty, the others mount it.
	Repositories []string `json:"repositories"`
	// Present are those of them that hold it already.
	Present []string `json:"present,omitempty"`

	work *blobWork
}

// Plan is what a copy would do: the artifacts with their digests, the distinct blobs
// that have to move, and how many bytes that is.
type Plan struct {
	Artifacts []*PlannedArtifact `json:"artifacts"`
	// Blobs are the distinct blobs of all artifacts that are not present, largest first.
	Blobs []*PlannedBlob `json:"blobs"`
	// BytesToMove are fetched and sent once each; BytesPresent are at the target already.
	BytesToMove  int64 `json:"bytesToMove"`
	BytesPresent int64 `json:"bytesPresent"`
	// Warnings are things a user should know before the copy: non-distributable layers
	// that cannot be fetched, for example.
	Warnings []string `json:"warnings,omitempty"`
}

// artifactWork is what Copy needs to know of an artifact beyond what users see.
type artifactWork struct{}

// blobWork is what Copy needs to know of a blob beyond what users see.
type blobWork struct{}

// CopyOptions steer Copy. The zero value is ready.
type CopyOptions struct {
	// Jobs is how many blobs are in flight at once; 0 means 8.
	Jobs int
	// SpoolDir holds what an upload that breaks would have to send again, in unlinked
	// temporary files; empty means os.TempDir. NoSpool fetches it from the source again.
	SpoolDir string
	NoSpool  bool
	// Meter receives progress; it may be nil.
	Meter *Meter
	// ArtifactDone is called after each artifact, from one goroutine at a time; it may be nil.
	ArtifactDone func(Result)
}

// Result is what became of one artifact.
type Result struct {
	*PlannedArtifact
	// Err is nil where the artifact is at the target now.
	Err error `json:"-"`
}

// Report is what a copy did.
type Report struct {
	Results []Result
	// Counts by what happened to the artifacts: Copied (new and updated), Present,
	// Skipped and Failed; together they are all artifacts of the plan.
	Copied, Present, Skipped, Failed int
	// BytesFetched and BytesSent are bytes of blobs and manifests on the wire; where
	// nothing broke they equal the plan's BytesToMove.
	BytesFetched, BytesSent int64
	// BlobsUploaded, BlobsMounted and BlobsPresent count repository places of blobs.
	BlobsUploaded, BlobsMounted, BlobsPresent int
	Duration                                  time.Duration
}

// NewPlan asks both sides what there is. It fails only where nothing can be planned at
// all: the context ended, or a registry refused authentication; an artifact that cannot
// be copied is in the plan with StateFailed.
func NewPlan(ctx context.Context, ends Endpoints, artifacts []versions.Artifact, opts PlanOptions) (*Plan, error) {
	panic("under construction")
}

// Copy carries a plan out. Artifacts fail one by one: the report names each, and the
// error is nil unless the context ended. Tags are put after everything they need, so
// that at no moment is there a tag at the target that cannot be pulled.
func Copy(ctx context.Context, ends Endpoints, plan *Plan, opts CopyOptions) (*Report, error) {
	panic("under construction")
}
