package copying

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/locking"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/shard"
	"github.com/pgrelocate/pgrelocate/internal/registry/tagging"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Sharded is what a run did that was one of several with one plan.
type Sharded struct {
	shard.Choice
	// Artifacts are how many the whole plan has.
	Artifacts int
	// Tagged says that all that the plan names is at the target now, under its tags.
	Tagged bool
}

// needPlan refuses to cut anything but a plan: digests are fixed in it, and who resolves tags again
// may find something else than the others have.
func (p *Planning) needPlan(context.Context) error {
	choice := p.asked.Shard
	switch {
	case choice.IsZero():
		return nil
	case p.reviewed == nil:
		return exit.Usagef("a shard is a part of a plan, which says what everything is by digest, and no plan is named")
	case choice.Moves() && p.Config.Lock != "" && p.Config.Lock != config.NoLock:
		return exit.Usagef("one shard knows a part only, and writes no lock: whoever puts the tags does")
	}
	return nil
}

// cut keeps of a plan what is this run's.
func (p *Planning) cut(context.Context) error {
	choice := p.asked.Shard
	if !choice.Moves() {
		return nil
	}
	part, err := shard.PartOf(p.reviewed, choice.Number-1, choice.Shards)
	if err != nil {
		return &exit.UsageError{Err: &locking.LockError{Path: p.asked.Reviewed, Err: err}}
	}
	own := map[ref.Reference]bool{}
	for _, a := range part.Artifacts {
		own[a.Target] = true
	}
	p.Artifacts = slices.DeleteFunc(p.Artifacts, func(a versions.Artifact) bool { return !own[a.Target] })
	p.awaited = part.Awaited
	p.Note("shard %d of %d: %d of %s, %s of %s", choice.Number, choice.Shards, len(part.Artifacts),
		output.Count(len(p.reviewed.Artifacts), "artifact"), output.Bytes(part.Bytes()), output.Bytes(part.TotalBytes()))
	if len(part.Awaited) > 0 {
		p.Note("%s of another shard's, %s, are fetched here too where they do not come in time",
			output.Count(len(part.Awaited), "blob"), output.Bytes(part.AwaitedBytes))
	}
	return nil
}

// tagWhenComplete has the tags put by whichever shard finds that everything is there. The shards do not
// speak to each other: the last to be done finds the others' work, and where two are done at the
// same moment both put the same tags.
func (c *Copying) tagWhenComplete(ctx context.Context) error {
	if !c.asked.Shard.Moves() {
		return nil
	}
	if others, err := c.othersAreDone(ctx); err != nil || !others {
		c.Note("the tags are put when the other shards are done")
		return err
	}
	t := &Copying{Planning: c.Planning}
	t.Artifacts = c.reviewedArtifacts()
	err := relocate.Run(ctx, t.planTags, t.putTags, func(ctx context.Context) error { return t.Attest(ctx, "") })
	var unfinished *UnfinishedError
	switch {
	case errors.As(err, &unfinished):
		c.Note("the tags are put when the other shards are done")
		return nil
	case err != nil:
		return err
	}
	c.Copied.Sharded.Tagged, c.Copied.Attested = true, t.Copied.Attested
	c.Copied.Target = c.Clients.ToTarget.Counts()
	c.Note("every shard is done: %s tagged", output.Count(len(t.Artifacts), "artifact"))
	return nil
}

// othersAreDone looks for one artifact of each other shard, in the order of the plan from its end on,
// so that a run which is not the last finds that out with a request or two.
func (c *Copying) othersAreDone(ctx context.Context) (bool, error) {
	own := map[ref.Reference]bool{}
	for _, a := range c.Artifacts {
		own[a.Target] = true
	}
	cut, err := shard.New(shard.Of(c.reviewed), c.asked.Shard.Shards)
	if err != nil {
		return false, err
	}
	looked := map[int]bool{}
	for i, a := range slices.Backward(c.reviewed.Artifacts) {
		if own[a.Target] || looked[cut.Of[i]] {
			continue
		}
		looked[cut.Of[i]] = true
		_, err := c.Sides.Target.Resolve(ctx, a.Target.Repository, a.Digest.String())
		switch {
		case errors.Is(err, registry.ErrNotFound):
			return false, nil
		case err != nil:
			return false, err
		}
	}
	return true, nil
}

// reviewedArtifacts are all of the plan, in the order in which they are listed.
func (p *Planning) reviewedArtifacts() []versions.Artifact {
	all := p.reviewed.ArtifactsFor(ref.Folder{Host: p.Config.Registry.Host})
	slices.SortStableFunc(all, relocate.Order)
	return all
}

// UnfinishedError says that not all that a plan names is at the target, so that no tag was put.
type UnfinishedError struct {
	// Of is how many artifacts the plan has.
	Of int
	// Missing are those that are not there whole, with what is missing.
	Missing []tagging.Missing
}

// Error names the first of them.
func (e *UnfinishedError) Error() string {
	first := e.Missing[0]
	return fmt.Sprintf("%d of %s %s not at the target whole, and no tag was put; the first is %s: %v",
		len(e.Missing), output.Count(e.Of, "artifact"), output.Are(len(e.Missing)), output.Short(first.Target), first.Err)
}
