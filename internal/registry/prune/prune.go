// Package prune removes from a registry what is ours and nobody wants any more, and nothing else: a
// manifest goes only where no tag that stays leads to it, by whatever way.
//
//	plan, err := prune.New(ctx, prune.Options{Target: target, Unwanted: items})
//	plan.Carry(ctx)
package prune

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Target is as much of a registry as pruning needs; see registry.Target, and for DeleteManifest
// remote.Client.
type Target interface {
	Tags(ctx context.Context, repository string) ([]string, error)
	Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error)
	Manifest(ctx context.Context, repository, reference string, also ...types.MediaType) (oci.Manifest, error)
	Referrers(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error)
	DeleteManifest(ctx context.Context, repository, reference string) error
}

// Item is something that we have put into the registry.
type Item struct {
	// Ref has a tag, or for referrers a digest.
	Ref    ref.Reference
	Digest v1.Hash
}

// Options say what is to be pruned. Target is needed.
type Options struct {
	Target Target
	// Unwanted are to go, with those of Attachments that belong to them alone.
	Unwanted, Attachments []Item
	// Wanted stay, whatever leads to them.
	Wanted []Item
	// InUse says who needs content; empty where nobody does. It may be nil.
	InUse func(at ref.Reference, digest v1.Hash) string
}

// Outcome is what becomes of something. The words stand in results.
type Outcome string

// What can become of it.
const (
	// Goes: it is to be removed.
	Goes    Outcome = "to be deleted"
	Deleted Outcome = "deleted"
	// Gone: it was not there any more.
	Gone Outcome = "gone already"
	// Kept: Reason says why.
	Kept   Outcome = "kept"
	Failed Outcome = "failed"
)

// Removal is one manifest, and what becomes of it.
type Removal struct {
	Item
	// Of is the artifact that it goes with, where it is a part of one, or attached to it.
	Of      string
	Outcome Outcome
	Reason  string
	// Err is why it failed.
	Err error
}

// Plan is what would be removed.
type Plan struct {
	// Removals are in the order in which they are removed: what leads to others before these.
	Removals []Removal

	target       Target
	repositories map[string]map[string]v1.Hash // the tags of each, as they were looked at
}

// mostTags is how many tags a repository may have for all of them to be looked at.
const mostTags = 5000

// New looks at every tag of the repositories in which something is to go. What cannot be told for
// sure keeps everything in its repository. The error is for a registry that cannot be asked at all, and for a
// context that ended.
func New(ctx context.Context, opts Options) (*Plan, error) {
	plan := &Plan{target: opts.Target, repositories: map[string]map[string]v1.Hash{}}
	in := map[string][]Item{}
	for _, item := range opts.Unwanted {
		in[item.Ref.Repository] = append(in[item.Ref.Repository], item)
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		r := &repository{Options: opts, name: name, items: in[name], links: map[v1.Hash][]v1.Hash{}}
		removals, err := r.plan(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, registry.ErrUnauthorized), errors.Is(err, registry.ErrUnreachable):
			return nil, err
		case err != nil:
			removals = nil
			for _, item := range in[name] {
				removals = append(removals, Removal{Item: item, Outcome: Kept, Reason: fmt.Sprintf("what else leads to it is not known: %v", err)})
			}
		}
		plan.Removals = append(plan.Removals, removals...)
		plan.repositories[name] = r.tags
	}
	return plan, nil
}

// Count is how many have an outcome.
func (p *Plan) Count(outcome Outcome) int {
	n := 0
	for _, r := range p.Removals {
		if r.Outcome == outcome {
			n++
		}
	}
	return n
}

// Carry removes what is to go, repository by repository, and notes in the plan what became of it. A
// repository in which somebody has put or moved a tag since is left alone. What belongs to something
// that could not be removed stays. The error is that of a context which ended.
func (p *Plan) Carry(ctx context.Context) error {
	unchanged := map[string]error{}
	lost := map[string]bool{} // artifacts that could not be removed
	for i := range p.Removals {
		r := &p.Removals[i]
		if r.Outcome != Goes {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		name := r.Ref.Repository
		if _, looked := unchanged[name]; !looked {
			unchanged[name] = p.unchanged(ctx, name)
		}
		switch {
		case unchanged[name] != nil:
			r.Outcome, r.Reason = Kept, unchanged[name].Error()
		case r.Of != "" && lost[r.Of]:
			r.Outcome, r.Reason = Kept, "it belongs to "+r.Of+", which could not be deleted"
		default:
			p.remove(ctx, r)
			lost[r.Ref.String()] = r.Outcome == Failed
		}
	}
	return ctx.Err()
}

func (p *Plan) remove(ctx context.Context, r *Removal) {
	err := p.target.DeleteManifest(ctx, r.Ref.Repository, r.Digest.String())
	switch {
	case err == nil:
		r.Outcome = Deleted
	case errors.Is(err, registry.ErrNotFound):
		r.Outcome = Gone
	default:
		r.Outcome, r.Err, r.Reason = Failed, err, err.Error()
	}
}

// unchanged wants a repository's tags to be those that were looked at, and to lead where they led.
func (p *Plan) unchanged(ctx context.Context, name string) error {
	now, err := tagsOf(ctx, p.target, name)
	if err != nil {
		return err
	}
	if !maps.Equal(now, p.repositories[name]) {
		return errors.New("somebody has put or moved a tag here meanwhile: run it again")
	}
	return nil
}
