package copying

import (
	"cmp"
	"context"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/tagging"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// copyTags puts the tags that the shards of a plan have left out. It reads nothing at the source but what
// rules ask for.
func copyTags(ctx context.Context, c *Copying) error {
	err := relocate.Run(ctx,
		c.openLock,    // nothing is done for a lock that cannot be written
		c.connectTags, // a client of the private registry, alone where there are no rules
		c.planTags,    // that all is there
		c.putTags,
	)
	return c.recorded(ctx, err)
}

func (p *Planning) connectTags(ctx context.Context) error {
	if !p.Rules.None() {
		return p.connect(ctx)
	}
	target, err := p.Clients.Target(ctx, true)
	if err != nil {
		return err
	}
	p.Sides = registry.Endpoints{Source: func(string) (registry.Source, error) { return target, nil }, Target: target}
	return nil
}

// planTags finds out what tags there are to put. Where anything is missing none is.
func (p *Planning) planTags(ctx context.Context) error {
	planned, missing, err := tagging.Plan(ctx, p.Sides.Target, p.reviewed, p.Artifacts, tagging.Options{
		Check: p.Config.Check, Platforms: p.Config.Platforms, Index: p.Config.Index,
	})
	if err != nil {
		return err
	}
	p.Plan = planned
	if len(missing) > 0 {
		return &exit.VerificationError{Err: &UnfinishedError{Of: len(planned.Artifacts), Missing: missing}}
	}
	checked, err := p.admitted(ctx, p.Artifacts)
	for _, a := range p.Plan.Artifacts {
		a.Checked = checked[a.Target]
	}
	return err
}

// putTags puts them.
func (c *Copying) putTags(ctx context.Context) error {
	report, err := transfer.Copy(ctx, c.Sides, c.Plan, transfer.Options{Jobs: c.Config.Jobs})
	c.Copied = &Copied{
		Tally: report, Planned: c.Plan.BytesToMove, Failures: relocate.FailuresOfCopy(report),
		Source: c.Clients.FromSource.Counts(), Target: c.Clients.ToTarget.Counts(),
		Locked:  c.lockFile != nil && c.lockFile.Was != nil,
		Sharded: &Sharded{Choice: c.asked.Shard, Artifacts: len(c.reviewed.Artifacts), Tagged: err == nil && report.Failed == 0},
	}
	return cmp.Or(err, c.Copied.Failures)
}
