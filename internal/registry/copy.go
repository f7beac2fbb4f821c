package registry

import (
	"context"
	"time"
)

// CopyOptions steer Copy. The zero value is ready.
type CopyOptions struct {
	// Jobs is how many blobs are in flight at once; 0 means 8.
	Jobs int
	// SpoolDir holds what an upload that breaks would have to send again, in unlinked
	// temporary files, from the first sign of trouble in a run on; empty means os.TempDir.
	// NoSpool always fetches it from the source again.
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
	// BytesFetched and BytesSent are bytes of blobs on the wire, without manifests; where
	// nothing broke, and no mount was refused, they equal the plan's BytesToMove.
	BytesFetched, BytesSent int64
	// BlobsUploaded, BlobsMounted and BlobsPresent count repository places of blobs.
	BlobsUploaded, BlobsMounted, BlobsPresent int
	Duration                                  time.Duration
}

// DefaultJobs is how many blobs are in flight at once where CopyOptions do not say.
const DefaultJobs = 8

// Copy carries a plan out. Artifacts fail one by one: the report names each, and the
// error is nil unless the context ended. Tags are put after everything they need, so
// that at no moment is there a tag at the target that cannot be pulled.
func Copy(ctx context.Context, ends Endpoints, plan *Plan, opts CopyOptions) (*Report, error) {
	started := time.Now()
	if opts.Jobs <= 0 {
		opts.Jobs = DefaultJobs
	}
	if opts.Meter == nil {
		opts.Meter = &Meter{}
	}
	if opts.ArtifactDone == nil {
		opts.ArtifactDone = func(Result) {}
	}
	opts.Meter.BytesTotal.Add(plan.BytesToMove)
	opts.Meter.ArtifactsTotal.Add(int64(len(plan.Artifacts)))
	r := newRun(ends.Target, plan, opts)
	defer r.scratch.close()
	r.start()
	work(ctx, r.queue, opts.Jobs)
	if ctx.Err() != nil {
		r.abandon(context.Cause(ctx))
	}
	report := r.report()
	report.Duration = time.Since(started)
	return report, context.Cause(ctx)
}
