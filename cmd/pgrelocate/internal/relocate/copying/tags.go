package copying

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// copyTags puts the tags that the shards of a plan have left out. It reads nothing at the source.
func copyTags(ctx context.Context, c *Copying) error {
	err := relocate.Run(ctx,
		c.openLock,      // nothing is done for a lock that cannot be written
		c.connectTarget, // a client of the private registry alone
		c.planTags,      // that all is there
		c.putTags,
	)
	return c.recorded(ctx, err)
}

func (p *Planning) connectTarget(ctx context.Context) error {
	target, err := p.Clients.Target(ctx, true)
	if err != nil {
		return err
	}
	p.Sides = registry.Endpoints{Source: func(string) (registry.Source, error) { return target, nil }, Target: target}
	return nil
}

// planTags holds the target against the plan, as if it were the source too: what a tag is to lead to has
// to be there by its digest, with all that is below it. Where anything is missing no tag is put.
func (p *Planning) planTags(ctx context.Context) (err error) {
	target := p.Sides.Target
	ends := registry.Endpoints{Source: func(string) (registry.Source, error) { return target, nil }, Target: target}
	pins, locked := map[ref.Reference]plan.Pin{}, map[ref.Reference]lock.Artifact{}
	for _, a := range p.reviewed.Artifacts {
		pin := a.Reviewed()
		pin.Attached = nil // see attachTags
		pins[a.Target], locked[a.Target] = pin, a
	}
	sources := map[ref.Reference]ref.Reference{}
	artifacts := slices.Clone(p.Artifacts)
	for i := range artifacts {
		a := &artifacts[i]
		sources[a.Target] = a.Source
		a.Source = a.Target
		a.Source.Tag, a.Source.Digest = "", locked[a.Target].Digest.String()
	}
	opts := plan.Options{OnConflict: plan.ConflictFail, Check: p.Config.Check, WithoutAttachments: true, Pins: pins}
	if whole := (plan.Options{Platforms: p.Config.Platforms, Index: p.Config.Index}); whole.LeavesOut() {
		opts.Platforms, opts.Index = p.Config.Platforms, plan.IndexSparse
	}
	if p.Plan, err = plan.New(ctx, ends, artifacts, opts); err != nil {
		return err
	}
	t := &tagging{target: target, reviewed: p.reviewed, missing: map[ref.Reference]error{}}
	t.lackBlobs(p.Plan)
	var group errgroup.Group
	group.SetLimit(64)
	for _, a := range p.Plan.Artifacts {
		a.Source = sources[a.Target]
		group.Go(func() error { return t.one(ctx, a, locked[a.Target]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	p.Plan.Blobs, p.Plan.BytesToMove = nil, 0 // nothing is moved
	return t.unfinished(p.Plan)
}

// tagging finds out what tags there are to put.
type tagging struct {
	target   registry.Target
	reviewed *lock.Lock

	mu      sync.Mutex
	missing map[ref.Reference]error
}

func (t *tagging) lacks(at ref.Reference, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.missing[at] == nil {
		t.missing[at] = err
	}
}

// lackBlobs finds artifacts of which a blob is gone, or has never come.
func (t *tagging) lackBlobs(planned *plan.Plan) {
	held := map[plan.BlobKey][]string{}
	for _, b := range planned.Blobs {
		held[plan.KeyOf(b.Descriptor)] = b.Present
	}
	for _, a := range planned.Artifacts {
		for _, m := range a.Manifests {
			for _, d := range m.Blobs {
				if !slices.Contains(held[plan.KeyOf(d)], a.Target.Repository) {
					t.lacks(a.Target, fmt.Errorf("blob %s: %w", d.Digest, registry.ErrNotFound))
				}
			}
		}
	}
}

// one leaves of an artifact's manifests that which gets the tag, and adds what is attached to it.
func (t *tagging) one(ctx context.Context, a *plan.Artifact, locked lock.Artifact) error {
	switch {
	case a.State == plan.StateFailed && errors.Is(a.Err, registry.ErrNotFound), a.State == plan.StateDamaged:
		t.lacks(a.Target, cmp.Or(a.Err, fmt.Errorf("%v: %w", a.Missing, registry.ErrNotFound)))
		return nil
	case a.State == plan.StateFailed:
		return nil
	}
	attached, err := t.attached(ctx, a, locked)
	if errors.Is(err, registry.ErrNotFound) {
		t.lacks(a.Target, err)
		return nil
	}
	if err != nil {
		return err
	}
	if len(a.Manifests) > 0 {
		tagged := a.Manifests[len(a.Manifests)-1]
		tagged.Reference, tagged.Blobs = a.Target.Tag, nil
		if a.Target.Tag == "" {
			tagged.Reference = a.Target.Digest
		}
		a.Manifests = append(attached, tagged)
	} else if a.Manifests = attached; len(attached) > 0 {
		a.State = plan.StateAttach
	}
	// What stands in a lock of it has to be asked for: the plan has not read it.
	a.AttachedBefore = true
	return nil
}

// attached are the manifests of what is attached to an artifact that the target does not tag, or list, yet.
func (t *tagging) attached(ctx context.Context, a *plan.Artifact, locked lock.Artifact) ([]plan.Manifest, error) {
	var all []plan.Manifest
	for _, attachment := range attachedTo(t.reviewed, locked) {
		repository, digest := attachment.Target.Repository, attachment.Digest.String()
		manifest, err := t.target.Manifest(ctx, repository, digest, attachment.MediaType)
		if err != nil {
			return nil, err
		}
		done, err := t.isFound(ctx, attachment, manifest)
		if err != nil {
			return nil, err
		}
		if !done {
			all = append(all, plan.Manifest{
				Manifest: manifest, Reference: cmp.Or(attachment.Target.Tag, digest), Attachment: digest, Head: true,
			})
		}
		a.Attachments = append(a.Attachments, a.Target.Host+"/"+repository+"@"+digest)
	}
	return all, nil
}

// isFound tells whether the target's users find an attachment: by its tag, or as a referrer.
func (t *tagging) isFound(ctx context.Context, attachment lock.Attachment, manifest oci.Manifest) (bool, error) {
	if tag := attachment.Target.Tag; tag != "" {
		held, err := t.target.Resolve(ctx, attachment.Target.Repository, tag)
		if errors.Is(err, registry.ErrNotFound) {
			return false, nil
		}
		return held.Digest == attachment.Digest, err
	}
	links, err := oci.Parse(manifest)
	if err != nil || links.Subject == nil {
		return err == nil, err
	}
	listed, err := t.target.Referrers(ctx, attachment.Target.Repository, links.Subject.Digest)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	// What cannot be listed is put again, which does no harm.
	return err == nil && slices.ContainsFunc(listed, func(d v1.Descriptor) bool { return d.Digest == attachment.Digest }), nil
}

// unfinished is what is missing; nil where nothing is.
func (t *tagging) unfinished(planned *plan.Plan) error {
	if len(t.missing) == 0 {
		return nil
	}
	e := &UnfinishedError{Of: len(planned.Artifacts)}
	for _, a := range planned.Artifacts {
		if err := t.missing[a.Target]; err != nil {
			e.Missing = append(e.Missing, MissingContent{a.Target, err})
		}
	}
	return &exit.VerificationError{Err: e}
}

// putTags puts them.
func (c *Copying) putTags(ctx context.Context) error {
	report, err := transfer.Copy(ctx, c.Sides, c.Plan, transfer.Options{Jobs: c.Config.Jobs})
	c.Copied = &Copied{
		Report: report, Planned: c.Plan.BytesToMove, Failures: relocate.FailuresOfCopy(report),
		Source: c.Clients.FromSource.Counts(), Target: c.Clients.ToTarget.Counts(),
		Locked:  c.lockFile != nil && c.lockFile.Was != nil,
		Sharded: &Sharded{Choice: c.asked.Shard, Artifacts: len(c.reviewed.Artifacts), Tagged: err == nil && report.Failed == 0},
	}
	return cmp.Or(err, c.Copied.Failures)
}
