package prune

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Carry removes what is to go, repository by repository, and notes in the plan what became of it. A
// repository in which somebody has put or moved a tag since is left alone, and so is what is left of it
// where somebody does so meanwhile. What belongs to something that could not be removed stays. The error is that of a context which ended.
func (p *Plan) Carry(ctx context.Context) error {
	defer p.confirm(context.WithoutCancel(ctx)) // what was begun is told as it is
	c := &carrying{Plan: p, unchanged: map[string]error{}, apart: map[string]error{}, lost: map[string]bool{}}
	for i := range p.Removals {
		r := &p.Removals[i]
		if r.Outcome != Goes {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c.one(ctx, r)
	}
	return ctx.Err()
}

// carrying is a Carry that is under way. The errors are by repository, nil where all is well.
type carrying struct {
	*Plan
	// unchanged says why a repository is to be left alone, and apart why tags cannot be removed alone.
	unchanged, apart map[string]error
	lost             map[string]bool // artifacts that could not be removed
}

func (c *carrying) one(ctx context.Context, r *Removal) {
	name := r.Ref.Repository
	if _, looked := c.unchanged[name]; !looked {
		c.unchanged[name] = c.repositories[name].same(ctx)
	} else if r.Of == "" && c.unchanged[name] == nil {
		c.unchanged[name] = c.repositories[name].still(ctx, r.Item)
	}
	if _, tried := c.apart[name]; r.TagOnly && !tried && c.unchanged[name] == nil {
		c.apart[name] = c.repositories[name].removesTagsAlone(ctx, r.Digest)
	}
	switch {
	case c.unchanged[name] != nil:
		r.Outcome, r.Reason = Kept, c.unchanged[name].Error()
		if !errors.Is(c.unchanged[name], errMeanwhile) {
			r.Err = c.unchanged[name]
		}
	case r.Of != "" && c.lost[r.Of]:
		r.Outcome, r.Reason = Kept, "it belongs to "+r.Of+", which could not be deleted"
	case r.TagOnly && c.apart[name] != nil:
		r.Outcome, r.Reason = Kept, r.Reason+"; "+c.apart[name].Error()
	default:
		c.remove(ctx, r)
		c.lost[r.Ref.String()] = r.Outcome == Failed
		c.repositories[name].forget(r)
	}
}

// reference is what a removal is deleted by.
func (r *Removal) reference() string {
	if r.TagOnly {
		return r.Ref.Tag
	}
	return r.Digest.String()
}

func (p *Plan) remove(ctx context.Context, r *Removal) {
	err := p.target.DeleteManifest(ctx, r.Ref.Repository, r.reference())
	switch {
	case err == nil:
		r.Outcome = Deleted
	case errors.Is(err, registry.ErrNotFound):
		r.Outcome = Gone
	default:
		r.Outcome, r.Err, r.Reason = Failed, err, err.Error()
	}
}

// errMeanwhile says that what was looked at is no longer what is there.
var errMeanwhile = errors.New("somebody has put or moved a tag here meanwhile: run it again")

// same wants a repository's tags to be those that were looked at, and to lead where they led.
func (r *repository) same(ctx context.Context) error {
	now, err := tagsOf(ctx, r.Target, r.name, r.known())
	if err != nil {
		return err
	}
	if !maps.Equal(now, r.tags) {
		return errMeanwhile
	}
	r.seen, r.gone = map[string]bool{}, map[string]v1.Hash{}
	for tag := range now {
		r.seen[tag] = true
	}
	return nil
}

// still wants, right before an artifact goes, that its tag leads to it and that no tag is new: many may
// have gone before it, and that takes time in which others copy.
func (r *repository) still(ctx context.Context, item Item) error {
	names, err := r.Target.Tags(ctx, r.name)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return err
	}
	for _, tag := range append(slices.DeleteFunc(names, func(tag string) bool { return r.seen[tag] }), item.Ref.Tag) {
		if tag == "" {
			continue
		}
		held, err := r.Target.Resolve(ctx, r.name, tag)
		switch {
		case errors.Is(err, registry.ErrNotFound):
			r.seen[tag] = true // listed, and not there
		case err != nil:
			return err
		case held.Digest == r.gone[tag]: // the registry answers from what it remembers
		case tag != item.Ref.Tag || held.Digest != item.Digest:
			return errMeanwhile
		}
	}
	return nil
}

// forget takes out of the repository what was removed.
func (r *repository) forget(gone *Removal) {
	if gone.Outcome != Deleted {
		return
	}
	for tag, digest := range r.tags {
		if digest == gone.Digest && (!gone.TagOnly || tag == gone.Ref.Tag) {
			delete(r.seen, tag)
			r.gone[tag] = digest
		}
	}
}

// confirm asks for all that was deleted once more: some registries say so, and keep it. It gives them a
// moment, for some answer from what they remember.
func (p *Plan) confirm(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, wait := range []time.Duration{0, 200 * time.Millisecond, time.Second} {
		time.Sleep(wait)
		if !p.anyStays(ctx) {
			return
		}
	}
	for i := range p.Removals {
		if r := &p.Removals[i]; r.Outcome == Deleted && p.stays(ctx, r) {
			r.Outcome, r.Err = Failed, &registry.Error{Side: registry.SideTarget, Op: "deleting manifest", Host: r.Ref.Host, Ref: r.Ref.String(), Err: ErrStillThere}
			r.Reason = ErrStillThere.Error()
		}
	}
}

func (p *Plan) anyStays(ctx context.Context) bool {
	for i := range p.Removals {
		if r := &p.Removals[i]; r.Outcome == Deleted && p.stays(ctx, r) {
			return true
		}
	}
	return false
}

// stays tells what the registry has for certain.
func (p *Plan) stays(ctx context.Context, r *Removal) bool {
	held, err := p.target.Resolve(ctx, r.Ref.Repository, r.reference())
	return err == nil && held.Digest == r.Digest
}
