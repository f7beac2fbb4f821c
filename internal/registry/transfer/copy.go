package transfer

import (
	"context"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// Options steer Copy. The zero value is ready.
type Options struct {
	// Jobs is how many blobs are in flight at once; 0 means 8.
	Jobs int
	// TempDir holds what an upload that breaks would have to send again, in unlinked
	// temporary files, from the first sign of trouble in a run on; empty means os.TempDir.
	// NoTempFiles always fetches it from the source again.
	TempDir     string
	NoTempFiles bool
	// Untagged puts every manifest by its digest, and no tag of any kind: not those of signatures, nor
	// those by which referrers are listed where the target does not do that by itself.
	Untagged bool
	// MostPatience bounds how long the run waits for blobs that are plan.Blob.Awaited; 0 means 5
	// minutes. Within that it waits as long as fetching them would take.
	MostPatience time.Duration
	// Meter receives progress; it may be nil.
	Meter *registry.Meter
	// ArtifactDone is called after each artifact, from one goroutine at a time; it may be nil.
	ArtifactDone func(Result)
}

// Result is what became of one artifact.
type Result struct {
	*plan.Artifact
	// Err is nil where the artifact is at the target now.
	Err error
	// Incomplete is nil where that is so of everything attached to it, too, as far as the run
	// was to look. Otherwise it is an *registry.IncompleteError; it is nil where Err is not.
	Incomplete error
}

// Tally is what a copy did.
type Tally struct {
	Results []Result
	// Counts by what happened to the artifacts: Copied (new and updated), Present,
	// Skipped and Failed; together they are all artifacts of the plan.
	Copied, Present, Skipped, Failed int
	// Incomplete are those of them, failed ones aside, that lack something attached to them.
	Incomplete int
	// BytesFetched and BytesSent are bytes of blobs on the wire, without manifests; where
	// nothing broke, and no mount was refused, they equal the plan's BytesToMove.
	BytesFetched, BytesSent int64
	// BlobsUploaded, BlobsMounted and BlobsPresent count repository places of blobs.
	BlobsUploaded, BlobsMounted, BlobsPresent int
	Duration                                  time.Duration
}

// DefaultJobs is how many blobs are in flight at once where Options do not say.
const DefaultJobs = 8

// Copy carries a plan out. Artifacts fail one by one: the tally names each, and the
// error is nil unless the context ended. Tags are put after everything they need, so
// that at no moment is there a tag at the target that cannot be pulled.
func Copy(ctx context.Context, ends registry.Endpoints, p *plan.Plan, opts Options) (*Tally, error) {
	started := time.Now()
	if opts.Jobs <= 0 {
		opts.Jobs = DefaultJobs
	}
	if opts.Meter == nil {
		opts.Meter = &registry.Meter{}
	}
	if opts.ArtifactDone == nil {
		opts.ArtifactDone = func(Result) {}
	}
	opts.Meter.BytesTotal.Add(p.BytesToMove)
	opts.Meter.ArtifactsTotal.Add(int64(len(p.Artifacts)))
	r := newRun(ends.Target, p, opts)
	defer r.files.close()
	r.start()
	work(ctx, r.queue, opts.Jobs)
	if ctx.Err() != nil {
		r.abandon(context.Cause(ctx))
	}
	report := r.report()
	report.Duration = time.Since(started)
	return report, context.Cause(ctx)
}
