package copying

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/fanout"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Several is what came of a run over several private registries.
type Several struct {
	// Targets are in the order in which they were named.
	Targets []Target
	// Source is what went over the wire to the sources, for all together.
	Source registry.Counts
	// BytesFetched are bytes of blobs from the sources.
	BytesFetched int64
	Duration     time.Duration
}

// Target is what came of one of them.
type Target struct {
	Registry ref.Folder
	// Copied is nil where it did not come to moving, and Planned where nothing was planned, or a copy
	// did more.
	Copied  *Copied
	Planned *Planned
	// Err is what the run would have ended with, had this been the only target.
	Err error
	// Again is what was read again for it: see fanout.Counts.
	Again fanout.Again
}

// Err is an *exit.TargetsError; nil where all went well.
func (s *Several) Err() error {
	failed := &exit.TargetsError{Total: len(s.Targets)}
	for _, t := range s.Targets {
		if t.Err != nil {
			failed.Failed = append(failed.Failed, exit.TargetError{Registry: t.Registry.String(), Err: t.Err})
		}
	}
	if failed.Failed == nil {
		return nil
	}
	return failed
}

// CopyEach is Copy to each of several private registries, from one reading of the sources. Each fails by
// itself; the error is nil once it has come to that.
func CopyEach(ctx context.Context, s *relocate.Session, opts CopyOptions) (*Several, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(littleGarbage))
	f := newForking(s, opts)
	defer f.close()
	err := relocate.Run(ctx,
		f.checkLogin,                 // that no login is sent where it does not belong
		f.checkNames,                 // that there can be a file for each registry
		f.each((*Planning).readPlan), // that was reviewed, one for each registry
		f.readRules,                  // what artifacts have to be
		f.openLocks,                  // one for each registry
		f.each((*Planning).needLock), // where nothing about it is to change
		f.readList,                   // of images, where one is named
		f.look,                       // for releases that the catalogue lacks
		f.each((*Planning).choose),   // what of the catalogue
		f.checkApart,                 // that no two registries are one place
		f.openSources,                // which all have in common
	)
	if err != nil {
		return nil, err
	}
	return f.together(ctx, f.copyOne), nil
}

// copyOne is what is done for one registry, while the others are under way.
func (f *forking) copyOne(ctx context.Context, c *Copying, branch *fanout.Branch, t *Target) error {
	err := relocate.Run(ctx,
		c.connectTo(branch), // a client of its own
		c.pinPlatforms,      // to what a list says of them
		c.takeChartImages,   // what the charts run besides, where that is wanted
		c.checkSelection,    // that it is the lock's, where nothing else will do
		c.watchCharts,       // so that none is fetched twice
		c.Compare,           // what is where, and what has to move
		c.checkPlan,         // that it is the lock's, which has room for it
		c.wantCharts,
		c.needsOf(branch), // that others need not be kept
		c.Transfer,        // move it, tags last
	)
	branch.End()
	t.Copied = c.Copied
	return c.recorded(ctx, err)
}

// PlanEach is Plan for each of several private registries.
func PlanEach(ctx context.Context, s *relocate.Session, opts PlanOptions) (*Several, error) {
	f := newForking(s, CopyOptions{PlanOptions: opts})
	defer f.close()
	err := relocate.Run(ctx,
		f.checkLogin,
		f.checkNames,                 // that there can be a file for each registry
		f.each((*Planning).checkOut), // that each plan can be written, where they are to be
		f.readRules,                  // what artifacts have to be
		f.readLocks,                  // what was relocated before
		f.readList,                   // of images, where one is named
		f.look,                       // for releases that the catalogue lacks
		f.each((*Planning).choose),   // what of the catalogue
		f.checkApart,                 // that no two registries are one place
		f.openSources,                // which all have in common
	)
	if err != nil {
		return nil, err
	}
	return f.together(ctx, f.planOne), nil
}

// planOne plans for one registry, beside the others.
func (f *forking) planOne(ctx context.Context, c *Copying, branch *fanout.Branch, t *Target) error {
	c.Measure = true
	err := relocate.Run(ctx,
		c.connectTo(branch), // a client of its own
		c.pinPlatforms,      // to what a list says of them
		c.takeChartImages,   // what the charts run besides, where that is wanted
		c.Compare,           // what is where, and what has to move
		c.fetchBeyond,       // what they run that is not selected
		c.writeOut,          // for who reviews it
	)
	if err != nil {
		return err
	}
	t.Planned = &Planned{Plan: c.Plan, Beyond: c.beyond, Failures: relocate.FailuresOfPlan(c.Plan)}
	return t.Planned.Failures
}

// together does something for all registries at once, each in its own branch, until all are done.
func (f *forking) together(ctx context.Context, do func(context.Context, *Copying, *fanout.Branch, *Target) error) *Several {
	fan := fanout.New(ctx, f.source(ctx), fanout.Options{
		Branches: len(f.forks), Limit: f.session.Config.SpoolLimit, Jobs: f.session.Config.Jobs,
		NotKept: func(err error) {
			f.session.Warn(fmt.Sprintf("each registry reads the source for itself, as nothing can be kept in the temporary folder: %v", err))
		},
	})
	defer fan.Close()
	sessions := make([]*relocate.Session, len(f.forks))
	for i, c := range f.forks {
		sessions[i] = c.Session
	}
	several := Together(sessions, func(i int, t *Target) error {
		branch := fan.Branch(i)
		defer branch.End()
		return do(ctx, f.forks[i], branch, t)
	})
	counts := fan.Counts()
	for i := range several.Targets {
		several.Targets[i].Again = counts.Again[i]
	}
	several.BytesFetched, several.Source = counts.Bytes, f.session.Clients.FromSource.Counts()
	return several
}

// Together does something for several registries at once, each with its own session, until all are done.
func Together(sessions []*relocate.Session, do func(i int, t *Target) error) *Several {
	began := time.Now()
	several := &Several{Targets: make([]Target, len(sessions))}
	var group sync.WaitGroup
	for i, s := range sessions {
		t := &several.Targets[i]
		t.Registry = s.Config.Registry
		group.Go(func() {
			t.Err = do(i, t)
			if s.Options.Hooks.Over != nil {
				s.Options.Hooks.Over()
			}
		})
	}
	group.Wait()
	several.Duration = time.Since(began)
	return several
}

// connectTo gives a copy its target, and the sources that it has in common with others.
func (p *Planning) connectTo(branch *fanout.Branch) func(context.Context) error {
	return func(ctx context.Context) error {
		target, err := p.Clients.Target(ctx, true)
		if err != nil {
			return err
		}
		p.Sides = registry.Endpoints{Source: branch.Source, Target: branch.Target(target)}
		return nil
	}
}

// needsOf tells the others what this one is going to read.
func (p *Planning) needsOf(branch *fanout.Branch) func(context.Context) error {
	return func(context.Context) error {
		branch.Needs(p.Plan.Blobs)
		return nil
	}
}
