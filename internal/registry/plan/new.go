package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// New asks both sides what there is. It fails only where nothing can be planned at
// all: the context ended, or every artifact failed for the same kind of reason on one
// side, a refused login for example. Otherwise an artifact that cannot be copied is in the
// plan with StateFailed.
func New(ctx context.Context, ends registry.Endpoints, artifacts []versions.Artifact, opts Options) (*Plan, error) {
	p := &planner{
		ends: ends, opts: opts, plan: new(Plan), inventory: newInventory(ends.Target, opts),
		listings: map[Origin]*listing{}, warned: map[string]bool{}, blobs: map[described]*v1.Descriptor{},
	}
	p.inventory.blobs.Warn = p.warn
	for _, artifact := range artifacts {
		p.plan.Artifacts = append(p.plan.Artifacts, &Artifact{Artifact: artifact, manifestBytes: new(atomic.Int64)})
	}
	if err := p.prepare(); err != nil {
		return nil, err
	}
	steps := []func(context.Context) error{p.resolveAll, p.collide, p.collect, p.lookForBlobs, p.drop, p.measure}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	p.sum()
	return p.plan, p.hopeless()
}

type planner struct {
	ends      registry.Endpoints
	opts      Options
	inventory *inventory
	plan      *Plan // by itself: who keeps it does not keep the planner

	mu       sync.Mutex
	listings map[Origin]*listing
	warned   map[string]bool
	// blobs are what manifests name, once each.
	blobs map[described]*v1.Descriptor
}

// prepare finds each artifact's source and announces the repositories of the run.
func (p *planner) prepare() error {
	reads, writes := map[registry.Source][]string{}, []string{}
	for _, a := range p.plan.Artifacts {
		source, err := p.ends.Source(a.Source.Host)
		if err != nil {
			return err
		}
		a.Origin = Origin{source, a.Source.Host, a.Source.Repository}
		reads[source] = append(reads[source], a.Source.Repository)
		writes = append(writes, a.Target.Repository)
	}
	for source, repositories := range reads {
		announce(source, repositories)
	}
	announce(p.ends.Target, writes)
	return nil
}

func announce(side registry.Source, repositories []string) {
	sort.Strings(repositories)
	side.Prepare(slices.Compact(repositories))
}

// each runs f for all items at once: the clients cap what is really in flight.
func each[T any](ctx context.Context, items []T, f func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(64)
	for _, item := range items {
		group.Go(func() error { return f(ctx, item) })
	}
	return group.Wait()
}

// resolveAll gives every artifact its state and, where it has to be copied, its manifests
// with those of what is attached to it.
func (p *planner) resolveAll(ctx context.Context) error {
	defer p.listAhead(ctx)()
	return each(ctx, p.plan.Artifacts, func(ctx context.Context, a *Artifact) error {
		err := p.resolve(ctx, a)
		if err == nil && p.opts.Admit != nil {
			err = p.opts.Admit(ctx, a)
		}
		if err == nil {
			err = p.attach(ctx, a)
		}
		if err != nil {
			a.fail(p.explain(a, err))
		}
		return nil
	})
}

func (a *Artifact) fail(err error) { a.State, a.Err = StateFailed, err }

// sourceReference is what the artifact is asked for: its digest where that is given.
func sourceReference(r ref.Reference) string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

func (p *planner) resolve(ctx context.Context, a *Artifact) error {
	held, err := p.inventory.lookup(ctx, a.Target.Repository, sourceReference(a.Target))
	if err != nil {
		return err
	}
	if held != nil {
		a.TargetDigest = held.Digest.String()
	}
	if settled, err := p.settle(ctx, a); settled || err != nil {
		return err
	}
	moved := p.targetMoved(a)
	if moved && !p.opts.AllowDrift && p.stops(a) {
		return p.driftError(a, registry.SideTarget)
	}
	if held == nil {
		a.State = StateNew
		if err := p.readTree(ctx, a); err != nil {
			return err
		}
		return p.drifted(a)
	}
	if moved && p.opts.OnConflict == ConflictSkip && !p.opts.AllowDrift {
		return p.conflict(ctx, a) // whatever the source has
	}
	if err := p.sourceDigest(ctx, a); err != nil {
		return err
	}
	if err := p.drifted(a); err != nil {
		return err
	}
	if a.Digest == a.TargetDigest {
		a.State, a.Manifests = StatePresent, nil
		if err := p.checkImages(ctx, a); err != nil || a.State != StatePresent {
			return err
		}
		return p.check(ctx, a)
	}
	return p.conflict(ctx, a)
}

// sourceDigest asks the source what it has. Where one platform is wanted it has to be read for
// that.
func (p *planner) sourceDigest(ctx context.Context, a *Artifact) error {
	found, err := a.Origin.Source.Resolve(ctx, a.Source.Repository, sourceReference(a.Source))
	if err != nil {
		return err
	}
	a.Digest, a.MediaType, a.SourceDigest = found.Digest.String(), string(found.MediaType), found.Digest.String()
	if p.opts.changes() || len(p.opts.Platforms) > 0 && !found.MediaType.IsIndex() {
		return p.readTree(ctx, a)
	}
	return nil
}

// check looks whether all that belongs to an artifact is at the target, where that is wanted,
// and plans to put it again where it is not.
func (p *planner) check(ctx context.Context, a *Artifact) error {
	found, err := p.look(ctx, a.Target.Repository, a.TargetDigest)
	a.below = found.Manifests
	if err != nil || len(found.Lacks) == 0 {
		return err
	}
	a.State, a.Missing = StateDamaged, found.Lacks
	return p.readTree(ctx, a)
}

// look finds what the target has of something whose tag, or listing, names digest; nothing where that
// is not to be checked.
func (p *planner) look(ctx context.Context, repository, digest string) (holdings.Found, error) {
	if !p.opts.Check {
		return holdings.Found{}, nil
	}
	return p.inventory.blobs.Look(ctx, repository, digest)
}

func (p *planner) conflict(ctx context.Context, a *Artifact) error {
	action := p.opts.OnConflict
	if action != ConflictSkip && p.ours(a) {
		action = ConflictUpdate
	}
	switch action {
	case ConflictUpdate:
		a.State = StateUpdate
		if a.Manifests != nil {
			return nil
		}
		return p.readTree(ctx, a)
	case ConflictSkip:
		a.State, a.Manifests = StateSkip, nil
		return nil
	}
	if err := p.driftError(a, registry.SideTarget); err != nil {
		return err
	}
	return &registry.Error{
		Op: "comparing", Side: registry.SideTarget, Ref: a.Target.String(),
		Err: &ConflictError{Held: a.TargetDigest, Wanted: a.Digest, Platforms: p.samePlatforms(ctx, a)},
	}
}

// readTree fetches the artifact's manifests.
func (p *planner) readTree(ctx context.Context, a *Artifact) error {
	found, err := p.read(ctx, a, sourceReference(a.Source), &p.opts)
	if err != nil {
		return err
	}
	top := &found[len(found)-1]
	// The source may name the artifact otherwise than the target does.
	top.Reference = sourceReference(a.Target)
	a.Manifests = found
	a.Digest, a.MediaType = top.Descriptor.Digest.String(), string(top.Descriptor.MediaType)
	if a.SourceDigest == a.Digest {
		a.SourceDigest = a.Digest // one text, and not two
	}
	return nil
}

// explain names the side where an error does not do so itself.
func (p *planner) explain(a *Artifact, err error) error {
	var named *registry.Error
	if errors.As(err, &named) || errors.Is(err, context.Canceled) {
		return err
	}
	return &registry.Error{Op: "reading", Side: registry.SideSource, Host: a.Source.Host, Ref: a.Source.String(), Err: err}
}

func (p *planner) warn(warnings ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, warning := range warnings {
		if !p.warned[warning] {
			p.warned[warning] = true
			p.plan.Warnings = append(p.plan.Warnings, warning)
		}
	}
}

// collide fails artifacts for whose tag an earlier one brings other content.
func (p *planner) collide(context.Context) error {
	first := map[ref.Reference]*Artifact{}
	for _, a := range p.plan.Artifacts {
		earlier := first[a.Target]
		switch {
		case a.State == StateFailed:
		case earlier == nil:
			first[a.Target] = a
		case earlier.Digest != a.Digest:
			a.fail(&registry.Error{
				Op: "comparing", Side: registry.SideTarget, Ref: a.Target.String(),
				Err: fmt.Errorf("%w: both %s and %s would stand there", registry.ErrConflict, earlier.Source, a.Source),
			})
		}
	}
	return nil
}

// collect finds the distinct blobs of all artifacts, largest first.
func (p *planner) collect(context.Context) error {
	byKey := map[BlobKey]*Blob{}
	for _, a := range p.plan.Artifacts {
		own := map[v1.Hash]bool{}
		for _, d := range a.blobs() {
			p.add(byKey, a, *d)
			if !own[d.Digest] {
				own[d.Digest] = true
				a.Size += d.Size
			}
		}
	}
	sort.SliceStable(p.plan.Blobs, func(i, j int) bool { return p.plan.Blobs[i].Size > p.plan.Blobs[j].Size })
	return nil
}

// BlobKey is what makes a blob one. A manifest that lies about a size asks for a blob of its
// own, which cannot be had: it must not spoil that of the manifests which tell the truth.
type BlobKey struct {
	Digest v1.Hash
	Size   int64
}

// KeyOf is the key of the blob that a manifest describes so.
func KeyOf(d v1.Descriptor) BlobKey { return BlobKey{d.Digest, d.Size} }

func (p *planner) add(byKey map[BlobKey]*Blob, a *Artifact, d v1.Descriptor) {
	blob := byKey[KeyOf(d)]
	if blob == nil {
		blob = &Blob{Digest: d.Digest.String(), MediaType: string(d.MediaType), Size: d.Size, Descriptor: d}
		byKey[KeyOf(d)] = blob
		p.plan.Blobs = append(p.plan.Blobs, blob)
	}
	if !slices.Contains(blob.Origins, a.Origin) {
		blob.Origins = append(blob.Origins, a.Origin)
	}
	if !slices.Contains(blob.Repositories, a.Target.Repository) {
		blob.Repositories = append(blob.Repositories, a.Target.Repository)
	}
}

// lookForBlobs finds out which blobs the target's repositories hold already.
func (p *planner) lookForBlobs(ctx context.Context) error {
	byRepository := map[string][]*Blob{}
	var repositories []string
	for _, blob := range p.plan.Blobs {
		for _, repository := range blob.Repositories {
			if byRepository[repository] == nil {
				repositories = append(repositories, repository)
			}
			byRepository[repository] = append(byRepository[repository], blob)
		}
	}
	return each(ctx, repositories, func(ctx context.Context, repository string) error {
		found, err := p.inventory.holds(ctx, repository, byRepository[repository],
			func(blobs []*Blob, look func(*Blob) error) error {
				return each(ctx, blobs, func(_ context.Context, blob *Blob) error { return look(blob) })
			})
		if err != nil {
			return p.repositoryFailed(ctx, repository, err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		for blob, has := range found {
			if has {
				blob.Present = append(blob.Present, repository)
			}
		}
		return nil
	})
}

// repositoryFailed fails the artifacts of a repository that cannot be asked.
func (p *planner) repositoryFailed(ctx context.Context, repository string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.plan.Artifacts {
		if a.Target.Repository == repository && len(a.Manifests) > 0 {
			a.fail(err)
		}
	}
	return nil
}

// drop takes what only failed artifacts need out of the plan again.
func (p *planner) drop(context.Context) error {
	needed := map[BlobKey][]string{}
	for _, a := range p.plan.Artifacts {
		for _, d := range a.blobs() {
			needed[KeyOf(*d)] = append(needed[KeyOf(*d)], a.Target.Repository)
		}
	}
	p.plan.Blobs = slices.DeleteFunc(p.plan.Blobs, func(blob *Blob) bool {
		unneeded := func(repository string) bool { return !slices.Contains(needed[KeyOf(blob.Descriptor)], repository) }
		blob.Repositories = slices.DeleteFunc(blob.Repositories, unneeded)
		blob.Present = slices.DeleteFunc(blob.Present, unneeded)
		return len(blob.Repositories) == 0
	})
	return nil
}

// blobs are those that the artifact needs, some more than once; none where it failed.
func (a *Artifact) blobs() []*v1.Descriptor {
	var list []*v1.Descriptor
	for _, n := range a.Manifests {
		if a.State != StateFailed {
			list = append(list, n.Blobs...)
		}
	}
	return list
}

func (p *planner) sum() {
	for _, blob := range p.plan.Blobs {
		sort.Strings(blob.Present)
		if len(blob.Present) == 0 {
			blob.Elsewhere = p.opts.Elsewhere[blob.Descriptor.Digest]
		}
		blob.Awaited = p.opts.Awaited[blob.Descriptor.Digest]
		if blob.Home() != "" {
			p.plan.BytesPresent += blob.Size
		} else {
			p.plan.BytesToMove += blob.Size
		}
	}
}

// hopeless is the reason why nothing can be planned: every artifact failed, and the first
// failure is about a registry as a whole.
func (p *planner) hopeless() error {
	for _, a := range p.plan.Artifacts {
		if a.State != StateFailed {
			return nil
		}
	}
	for _, a := range p.plan.Artifacts {
		if errors.Is(a.Err, registry.ErrUnauthorized) || errors.Is(a.Err, registry.ErrUnreachable) {
			return a.Err
		}
	}
	return nil
}
