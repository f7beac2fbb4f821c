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
// remote.Client. PushManifest is used to find out whether the registry removes tags alone.
type Target interface {
	Tags(ctx context.Context, repository string) ([]string, error)
	Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error)
	Manifest(ctx context.Context, repository, reference string, also ...types.MediaType) (oci.Manifest, error)
	Referrers(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error)
	DeleteManifest(ctx context.Context, repository, reference string) error
	PushManifest(ctx context.Context, repository, reference string, manifest oci.Manifest) (listed bool, err error)
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
	// OfferedBy says what still leads to content that nobody needs; empty where nothing does. It may
	// be nil.
	OfferedBy func(at ref.Reference, digest v1.Hash) string
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
	Of string
	// TagOnly says that the content stays, for something else leads to it.
	TagOnly bool
	// OfferedBy is what still leads to it, although nobody needs it.
	OfferedBy string
	Outcome   Outcome
	Reason    string
	// Err is why it failed, or why it is kept where the registry did not tell what leads to it.
	Err error
}

// Plan is what would be removed.
type Plan struct {
	// Removals are in the order in which they are removed: what leads to others before these.
	Removals []Removal

	target       Target
	repositories map[string]*repository // as they were looked at
}

// What a repository may have for all of it to be looked at.
const (
	mostTags      = 5000
	mostManifests = 20_000
)

// What a registry may do that is not to be relied on.
var (
	// ErrIncompleteList: its list of tags lacks one that is there.
	ErrIncompleteList = errors.New("the registry's list of tags is not complete")
	// ErrStillThere: it holds what it said it had deleted.
	ErrStillThere = errors.New("the registry says that it has deleted it, and has it still, or again")
)

// New looks at every tag of the repositories in which something is to go. What cannot be told for
// sure keeps everything in its repository. The error is for a registry that cannot be asked at all, and for a
// context that ended.
func New(ctx context.Context, opts Options) (*Plan, error) {
	plan := &Plan{target: opts.Target, repositories: map[string]*repository{}}
	in := map[string][]Item{}
	for _, item := range opts.Unwanted {
		in[item.Ref.Repository] = append(in[item.Ref.Repository], item)
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		r := &repository{Options: opts, name: name, items: in[name], links: map[v1.Hash][]v1.Hash{}, absent: map[v1.Hash]bool{}}
		removals, err := r.plan(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, registry.ErrUnauthorized), errors.Is(err, registry.ErrUnreachable):
			return nil, err
		case err != nil:
			removals = nil
			for _, item := range in[name] {
				removals = append(removals, Removal{Item: item, Outcome: Kept, Reason: fmt.Sprintf("what else leads to it is not known: %v", err), Err: err})
			}
		}
		plan.Removals = append(plan.Removals, removals...)
		plan.repositories[name] = r
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

// Pruned are the items that are not at the target any more, with all that was to go with them.
func (p *Plan) Pruned() []Item {
	failed := map[string]bool{}
	for _, r := range p.Removals {
		if r.Outcome == Failed || r.Outcome == Goes {
			failed[r.Of] = true
		}
	}
	var all []Item
	for _, r := range p.Removals {
		if r.Of == "" && (r.Outcome == Deleted || r.Outcome == Gone) && !failed[r.Ref.String()] {
			all = append(all, r.Item)
		}
	}
	return all
}
