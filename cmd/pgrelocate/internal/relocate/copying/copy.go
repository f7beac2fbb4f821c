package copying

import (
	"cmp"
	"context"
	"runtime/debug"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/shard"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// CopyOptions are what a copy takes besides the settings.
type CopyOptions struct {
	PlanOptions
	// Locked refuses to do anything that would change the lock.
	Locked bool
	// Reviewed is the file with the plan that is carried out, instead of the selection; empty is none.
	Reviewed string
	// Shard is what of the reviewed plan is carried out; the zero value is all.
	Shard shard.Choice
	// Overwrite lets the lock replace a file that is there and is no lock, or another registry's.
	Overwrite bool
}

// Copied is what a copy or a load did.
type Copied struct {
	*transfer.Tally
	// Planned are the bytes that were to be sent, once each.
	Planned int64
	// Source and Target are what went over the wire to both sides, planning included.
	Source, Target registry.Counts
	// Beyond are images that the charts run, or can run, and that are not selected. Only charts
	// that were moved are looked at.
	Beyond []string
	// Newer is a release at the source that is newer than all that the catalogue knows; empty
	// where none has been met with.
	Newer string
	// Attested are the artifacts beside which a note was put that says where they came from.
	Attested int
	// Locked says that there was a lock to hold the artifacts against.
	Locked bool
	// Sharded is nil where the run was not one of several with one plan.
	Sharded *Sharded
	// Failures is an *exit.PartialError with the artifacts that are not at the target, or not
	// whole; nil where all are.
	Failures error
}

// Copy moves the selection from its registries into the private one. The result is nil where
// it did not come to moving; otherwise it is there beside an error too.
func Copy(ctx context.Context, s *relocate.Session, opts CopyOptions) (*Copied, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(littleGarbage))
	c := &Copying{Planning: Planning{Session: s, asked: opts}}
	defer func() { c.lockFile.Close() }()
	err := relocate.Run(ctx,
		c.readPlan,  // that was reviewed, where one is named
		c.ReadRules, // what artifacts have to be
		c.needPlan,  // where one of several runs carries it out
	)
	if err == nil && opts.Shard.Tags {
		err = copyTags(ctx, c)
		return c.Copied, err
	}
	if err != nil {
		return nil, err
	}
	err = relocate.Run(ctx,
		c.cut,             // what of the plan is this run's
		c.openLock,        // nothing is copied for a lock that cannot be written
		c.needLock,        // where nothing about it is to change
		c.readList,        // of images, where one is named
		c.look,            // for releases that the catalogue lacks
		c.choose,          // what of the catalogue
		c.connect,         // a client of each registry
		c.pinPlatforms,    // to what a list says of them
		c.takeChartImages, // what the charts run besides, where that is wanted
		c.checkSelection,  // that it is the lock's, where nothing else will do
		c.watchCharts,     // so that none is fetched twice
		c.Compare,         // what is where, and what has to move
		c.checkPlan,       // that it is the lock's, which has room for it
		c.wantCharts,
		c.Transfer,        // move it, tags last
		c.tagWhenComplete, // where the tags are whose who is done last
	)
	if !opts.Shard.Moves() {
		err = c.recorded(ctx, err)
	}
	return c.Copied, err
}

// recorded writes down what has arrived, whatever else failed: in the lock, and beside it where it came
// from, and by which lock. A failure to say where it came from goes before err, one of the lock after it.
func (c *Copying) recorded(ctx context.Context, err error) error {
	if c.Copied == nil || ctx.Err() != nil {
		return err
	}
	written := c.record(ctx)
	return cmp.Or(c.Attest(ctx, c.lockFile.Path), err, written)
}

// littleGarbage is the percentage of what a run keeps that may pile up beside it. What is planned
// stays to the end, and little else does.
const littleGarbage = 30

// Copying is a copy that is under way.
type Copying struct {
	Planning
	// NoTempFiles has what breaks read from its source again, for one that is at hand.
	NoTempFiles bool
	how         transfer.Options
	capture     chart.Capture
	// more are bytes that were found to have to move besides those of the plan.
	more   int64
	Copied *Copied
}

// Transfer moves what is planned.
func (c *Copying) Transfer(ctx context.Context) error {
	if c.Plan.BytesToMove > 0 {
		c.Note("copying %s", output.Bytes(c.Plan.BytesToMove))
	}
	if c.Options.Hooks.Planned != nil {
		c.Options.Hooks.Planned(len(c.Plan.Artifacts), c.Plan.BytesToMove)
	}
	c.how.Jobs, c.how.Meter, c.how.NoTempFiles = c.Config.Jobs, new(registry.Meter), c.NoTempFiles
	c.how.ArtifactDone, c.how.Untagged = c.Options.Hooks.Moved, c.asked.Shard.Moves()
	stop := c.Progress(c.how.Meter)
	defer stop()
	report, err := transfer.Copy(ctx, c.Sides, c.Plan, c.how)
	if report == nil {
		return err
	}
	if err == nil {
		err = c.wholeWhereRefused(ctx, report)
	}
	c.Copied = &Copied{
		Tally: report, Planned: c.Plan.BytesToMove + c.more, Failures: relocate.FailuresOfCopy(report),
		Source: c.Clients.FromSource.Counts(), Target: c.Clients.ToTarget.Counts(),
		Locked: c.lockFile != nil && c.lockFile.Was != nil,
	}
	if choice := c.asked.Shard; choice.Moves() {
		c.Copied.Sharded = &Sharded{Choice: choice, Artifacts: len(c.reviewed.Artifacts)}
	}
	if err != nil {
		return err
	}
	c.Plan.Forget() // for what is written down of it needs room too
	err = c.keepBeyond(ctx)
	c.Copied.Beyond, c.Copied.Newer = c.beyond, c.newer(ctx)
	return cmp.Or(err, c.Copied.Failures)
}
