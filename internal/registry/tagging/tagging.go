// Package tagging plans the tags that the shards of a plan have left out, from what is at the target alone.
//
//	planned, missing, err := tagging.Plan(ctx, target, reviewed, artifacts, tagging.Options{})
//
// Where nothing is missing the plan is for transfer.Copy, which finds nothing to move but manifests.
package tagging

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Options are as in plan.Options.
type Options struct {
	Check     bool
	Platforms []v1.Platform
	Index     plan.Index
}

// Missing is an artifact that is not at the target whole.
type Missing struct {
	Target ref.Reference
	Err    error
}

// Plan holds the target against a reviewed plan, as if the target were the source too: what a tag is to lead
// to has to be there by its digest, with all that is below it. Where anything is missing no tag is to be put.
// Artifacts are those of the reviewed plan, in the order in which they are listed.
func Plan(ctx context.Context, target registry.Target, reviewed *lock.Lock, artifacts []versions.Artifact, opts Options) (*plan.Plan, []Missing, error) {
	locked := map[ref.Reference]lock.Artifact{}
	for _, a := range reviewed.Artifacts {
		locked[a.Target] = a
	}
	planned, err := planAtTarget(ctx, target, locked, artifacts, opts)
	if err != nil {
		return nil, nil, err
	}
	sources := map[ref.Reference]ref.Reference{}
	for _, a := range artifacts {
		sources[a.Target] = a.Source
	}
	t := &tagging{target: target, reviewed: reviewed, missing: map[ref.Reference]error{}}
	t.lackBlobs(planned)
	var group errgroup.Group
	group.SetLimit(64)
	for _, a := range planned.Artifacts {
		a.Source = sources[a.Target]
		group.Go(func() error { return t.one(ctx, a, locked[a.Target]) })
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	planned.Blobs, planned.BytesToMove = nil, 0 // nothing is moved
	return planned, t.inOrder(planned), nil
}

// planAtTarget plans a copy of artifacts, by digest, from the target to itself.
func planAtTarget(ctx context.Context, target registry.Target, locked map[ref.Reference]lock.Artifact, artifacts []versions.Artifact, how Options) (*plan.Plan, error) {
	ends := registry.Endpoints{Source: func(string) (registry.Source, error) { return target, nil }, Target: target}
	pins := map[ref.Reference]plan.Pin{}
	for at, a := range locked {
		pin := a.Reviewed()
		pin.Attached = nil // see attached
		pins[at] = pin
	}
	artifacts = slices.Clone(artifacts)
	for i := range artifacts {
		a := &artifacts[i]
		a.Source = a.Target
		a.Source.Tag, a.Source.Digest = "", locked[a.Target].Digest.String()
	}
	opts := plan.Options{OnConflict: plan.ConflictFail, Check: how.Check, WithoutAttachments: true, Pins: pins}
	if whole := (plan.Options{Platforms: how.Platforms, Index: how.Index}); whole.LeavesOut() {
		opts.Platforms, opts.Index = how.Platforms, plan.IndexSparse
	}
	return plan.New(ctx, ends, artifacts, opts)
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
				if !slices.Contains(held[plan.KeyOf(*d)], a.Target.Repository) {
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

// inOrder is what is missing, in the order of the plan.
func (t *tagging) inOrder(planned *plan.Plan) []Missing {
	var all []Missing
	for _, a := range planned.Artifacts {
		if err := t.missing[a.Target]; err != nil {
			all = append(all, Missing{a.Target, err})
		}
	}
	return all
}

// attachedTo are what of a plan's attachments belongs to an artifact, with the references that they
// get at the target.
func attachedTo(reviewed *lock.Lock, a lock.Artifact) []lock.Attachment {
	var all []lock.Attachment
	for _, attached := range reviewed.Attachments {
		if attached.Target.Repository == a.Target.Repository && slices.Contains(a.Attachments, attached.Digest) {
			all = append(all, attached)
		}
	}
	return all
}
