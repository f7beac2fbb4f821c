package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// listing is the tags of one source repository, asked for once.
type listing struct {
	once sync.Once
	tags []string
	err  error
	// unlisted is done where a warning says that its referrers cannot be listed.
	unlisted sync.Once
}

// attach finds what belongs to an image: signatures, attestations and SBOMs by cosign's
// tags, and OCI 1.1 referrers.
func (p *planner) attach(ctx context.Context, a *Artifact) error {
	if p.opts.WithoutAttachments || a.State == StateSkip || a.Settled && !p.opts.Check {
		return nil
	}
	digest, err := v1.NewHash(a.Digest)
	if err != nil {
		return err
	}
	subjects := []v1.Hash{digest}
	for _, n := range a.Manifests {
		if n.Descriptor.Digest != digest {
			subjects = append(subjects, n.Descriptor.Digest)
		}
	}
	for _, below := range a.below {
		if !slices.Contains(subjects, below) {
			subjects = append(subjects, below)
		}
	}
	w := &attachments{planner: p, artifact: a, seen: map[string]bool{}, told: map[string]bool{}}
	for wave := 1; len(subjects) > 0; wave++ {
		// What is attached may be signed in its turn.
		if err := holdings.CheckWave(wave); err != nil {
			return err
		}
		if subjects, err = w.of(ctx, subjects, wave); err != nil {
			return err
		}
	}
	if w.unread != nil {
		a.Incomplete = &registry.IncompleteError{Errs: w.unread}
	}
	if len(w.manifests) == 0 {
		return nil
	}
	if err := p.unreviewed(a, w.restored); err != nil {
		return err
	}
	a.Manifests = around(a.Manifests, w.manifests)
	if a.State == StatePresent {
		a.State, a.Settled = StateAttach, false
	}
	return nil
}

// around puts what is attached after the image, and before the tag by which the image can be
// pulled: from then on its signature can be checked.
func around(own, attached []Manifest) []Manifest {
	last := len(own) - 1
	if last < 0 || isDigest(own[last].Reference) {
		return append(own, attached...)
	}
	tagged, untagged := own[last], own[last]
	untagged.Reference = untagged.Descriptor.Digest.String()
	return slices.Concat(own[:last], []Manifest{untagged}, attached, []Manifest{tagged})
}

// attachments gathers what is attached to one artifact.
type attachments struct {
	planner   *planner
	artifact  *Artifact
	seen      map[string]bool
	manifests []Manifest
	// restored are the digests of what the target has and has lost some of.
	restored []string
	// unread is why some of it cannot be had, or is not known; told is what it says.
	unread []error
	told   map[string]bool
}

// subject is something that may have something attached to it, and what it has.
type subject struct {
	digest v1.Hash
	found  []*attachment
	errs   []error
}

// attachment is something that is attached, and what was found out about it.
type attachment struct {
	reference string
	// look finds what the target holds of it.
	look func(context.Context, string) (*v1.Descriptor, error)
	// named says that the target, or a lock of it, names it: where it is not there it is lost.
	named bool

	held      *v1.Descriptor
	missing   []string // of what is held, where that is checked
	dangling  bool     // the source lists it, and does not have it
	manifests []Manifest
	err       error
}

// of adds what is attached to subjects, and returns the digests of it, in the order in which it is
// listed. It may be hundreds, each of which takes several requests: they go side by side.
func (w *attachments) of(ctx context.Context, digests []v1.Hash, wave int) ([]v1.Hash, error) {
	var subjects []*subject
	for _, digest := range digests {
		subjects = append(subjects, &subject{digest: digest})
	}
	if err := each(ctx, subjects, w.list); err != nil {
		return nil, err
	}
	var found []*attachment
	for _, s := range subjects {
		if err := w.unknown(ctx, s.errs...); err != nil {
			return nil, err
		}
		for _, a := range s.found {
			if !w.seen[a.reference] {
				w.seen[a.reference] = true
				found = append(found, a)
			}
		}
	}
	if err := each(ctx, found, w.find); err != nil {
		return nil, err
	}
	var next []v1.Hash
	for _, a := range found {
		if err := w.unknown(ctx, a.err); err != nil {
			return nil, err
		}
		next = append(next, w.add(a, wave)...)
	}
	return next, nil
}

// list finds the names of what is attached to a subject: at the source, unless nothing is asked of that,
// and where the target is checked those that it has itself.
func (w *attachments) list(ctx context.Context, s *subject) error {
	if !w.artifact.Settled {
		w.listSource(ctx, s)
	}
	if w.planner.opts.Check {
		w.listTarget(ctx, s)
	}
	return context.Cause(ctx)
}

// listTarget adds what the target says, or what is pinned, that it has attached to a subject.
func (w *attachments) listTarget(ctx context.Context, s *subject) {
	a, inventory := w.artifact, w.planner.inventory
	if a.TargetDigest != a.Digest {
		return // something else stands there, or nothing
	}
	names, err := inventory.blobs.AttachedTo(ctx, a.Target.Repository, s.digest)
	s.errs = append(s.errs, err)
	if pin, _ := w.planner.pin(a); s.digest.String() == a.Digest {
		names = append(names, pin.Named...)
	}
	look := func(ctx context.Context, reference string) (*v1.Descriptor, error) {
		return inventory.resolve(ctx, a.Target.Repository, reference)
	}
	for _, name := range names {
		s.found = append(s.found, &attachment{reference: name, look: look, named: true})
	}
}

// listSource adds what the source says that it has attached to a subject.
func (w *attachments) listSource(ctx context.Context, s *subject) {
	tags, err := w.planner.tagsOf(ctx, w.artifact)
	s.errs = append(s.errs, err)
	for _, tag := range holdings.AttachedTags(tags, s.digest) {
		s.found = append(s.found, &attachment{reference: tag, look: w.heldTag})
	}
	referrers, err := w.planner.referrersOf(ctx, w.artifact, s.digest)
	s.errs = append(s.errs, err)
	look := w.heldReferrer(s.digest)
	for _, referrer := range referrers {
		s.found = append(s.found, &attachment{reference: referrer.Digest.String(), look: look})
	}
}

// unknown notes why something that is attached is not known. What ends the context, or shows
// that the source means harm, is returned: then the image is not copied either.
func (w *attachments) unknown(ctx context.Context, errs ...error) error {
	for _, err := range errs {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, oci.ErrLimit):
			return err
		case err != nil && !w.told[err.Error()]:
			w.told[err.Error()] = true
			w.unread = append(w.unread, err)
		}
	}
	return nil
}

// find reads an attachment unless the target holds it. What is gone from the source in the meantime,
// or was never there, or is of a kind that nobody copies, is no reason to fail the image.
func (w *attachments) find(ctx context.Context, found *attachment) error {
	a := w.artifact
	found.held, found.err = found.look(ctx, found.reference)
	if found.held != nil && found.err == nil {
		var there holdings.Found
		there, found.err = w.planner.look(ctx, a.Target.Repository, found.held.Digest.String())
		found.missing = there.Lacks
		if errors.Is(found.err, registry.ErrUnknownType) { // nobody copies it
			found.err = nil
		}
	}
	if found.held == nil && found.named {
		found.missing = []string{found.reference}
	}
	lost := len(found.missing) > 0
	if found.err != nil || found.held != nil && !lost {
		return nil //nolint:nilerr // the wave tells it, see unknown
	}
	found.manifests, found.err = w.planner.read(ctx, a, found.reference, nil)
	switch err := found.err; {
	case lost && errors.Is(err, registry.ErrNotFound):
		found.err = fmt.Errorf("what the target has lost of %s cannot be put back: %w", found.reference, err)
	case errors.Is(err, registry.ErrNotFound):
		w.planner.warn("what is attached to " + a.Source.String() + " as " + found.reference + " is listed there, and cannot be had")
		found.dangling, found.err = true, nil
	case errors.Is(err, registry.ErrUnknownType):
		w.planner.warn("what is attached to " + a.Source.String() + " as " + found.reference + " is left out: " + err.Error())
		found.err = nil
	case errors.Is(err, oci.ErrLimit):
		return err // the others need not be read
	}
	return nil
}

// add plans an attachment that was found, and returns its digest.
func (w *attachments) add(found *attachment, wave int) []v1.Hash {
	a := w.artifact
	if found.dangling {
		a.Dangling++
	}
	a.Missing = append(a.Missing, found.missing...)
	if found.held != nil && len(found.missing) == 0 {
		a.AttachedBefore = true
		return []v1.Hash{found.held.Digest}
	}
	if len(found.manifests) == 0 {
		return nil
	}
	head := &found.manifests[len(found.manifests)-1]
	head.Head = head.Descriptor.Digest.String() != a.Digest
	if found.held != nil && found.held.Digest == head.Descriptor.Digest {
		w.restored = append(w.restored, head.Descriptor.Digest.String())
	}
	for n := range found.manifests {
		found.manifests[n].Attachment, found.manifests[n].Wave = head.Descriptor.Digest.String(), wave
	}
	w.manifests = append(w.manifests, found.manifests...)
	a.Attachments = append(a.Attachments, a.Target.Host+"/"+a.Target.Repository+"@"+head.Descriptor.Digest.String())
	return []v1.Hash{head.Descriptor.Digest}
}

// heldTag is what the target has under a tag, where that is what the source has too, or has
// no more.
func (w *attachments) heldTag(ctx context.Context, tag string) (*v1.Descriptor, error) {
	a := w.artifact
	held, err := w.planner.inventory.lookup(ctx, a.Target.Repository, tag)
	if held == nil || err != nil {
		return nil, err
	}
	there, err := a.Origin.Source.Resolve(ctx, a.Source.Repository, tag)
	if err == nil && there.Digest != held.Digest {
		return nil, nil
	}
	if errors.Is(err, registry.ErrNotFound) {
		err = nil
	}
	return held, err
}

// heldReferrer returns a look-up of what refers to subject: the target has it where it holds
// and lists it. A run may have ended between the two. What a target that cannot list does not
// name is put again, which does no harm.
func (w *attachments) heldReferrer(subject v1.Hash) func(context.Context, string) (*v1.Descriptor, error) {
	inventory, repository := w.planner.inventory, w.artifact.Target.Repository
	var (
		asked  sync.Once
		listed = map[v1.Hash]bool{}
	)
	ask := func(ctx context.Context) {
		found, _ := inventory.target.Referrers(ctx, repository, subject) // see above
		for _, d := range found {
			listed[d.Digest] = true
		}
	}
	return func(ctx context.Context, digest string) (*v1.Descriptor, error) {
		if inventory.fresh(repository) {
			return nil, nil
		}
		held, err := inventory.resolve(ctx, repository, digest)
		if held == nil || err != nil {
			return held, err
		}
		asked.Do(func() { ask(ctx) })
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !listed[held.Digest] {
			return nil, nil
		}
		return held, nil
	}
}

// listAhead begins to list the tags that attach will want, so that the source's first round
// trips pass while the target is asked. The returned function ends that where it is still
// going on, for nobody wants it any more.
func (p *planner) listAhead(ctx context.Context) (end func()) {
	if p.opts.WithoutAttachments {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	begun := map[Origin]bool{}
	for _, a := range p.plan.Artifacts {
		if _, pinned := p.pin(a); pinned && !p.opts.Refresh {
			continue // it will most likely not be asked for
		}
		if from := a.Origin; !begun[from] {
			begun[from] = true
			group.Go(func() { _, _ = p.tagsOf(ctx, a) }) // who needs them hears of the error
		}
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// listingOf is what is known of the artifact's source repository.
func (p *planner) listingOf(a *Artifact) *listing {
	key := a.Origin
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listings[key] == nil {
		p.listings[key] = &listing{}
	}
	return p.listings[key]
}

// tagsOf lists the source repository's tags, sorted, once a run. A registry that refuses to
// list them has no attachments that could be found so, of which the plan warns; one that fails
// to answer, or answers what cannot be read, may have some.
func (p *planner) tagsOf(ctx context.Context, a *Artifact) ([]string, error) {
	l := p.listingOf(a)
	l.once.Do(func() {
		tags, err := a.Origin.Source.Tags(ctx, a.Source.Repository)
		switch {
		case ctx.Err() != nil:
			l.err = context.Cause(ctx)
		case errors.Is(err, registry.ErrRepositoryUnknown): // nothing is missing but the image itself, which says so
		case errors.Is(err, registry.ErrRefuses):
			p.warn("the tags of " + a.Source.Host + "/" + a.Source.Repository + " cannot be listed, so that signatures kept under tags of their own are not found: " + err.Error())
		case err != nil:
			l.err = fmt.Errorf("whether it is signed under a tag of its own is not known: %w", err)
		}
		l.tags = slices.Clone(tags)
		sort.Strings(l.tags)
	})
	return l.tags, l.err
}

// referrersOf lists what refers to subject. A registry that refuses to list it has nothing that
// could be found so, of which the plan warns; one that fails to answer, or answers what cannot be
// read, may have some.
func (p *planner) referrersOf(ctx context.Context, a *Artifact, subject v1.Hash) ([]v1.Descriptor, error) {
	found, err := a.Origin.Source.Referrers(ctx, a.Source.Repository, subject)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && !errors.Is(err, registry.ErrRefuses):
		return nil, fmt.Errorf("what refers to it is not known: %w", err)
	case err != nil:
		p.listingOf(a).unlisted.Do(func() {
			p.warn("the referrers in " + a.Source.Host + "/" + a.Source.Repository + " cannot be listed, so that signatures kept as such are not found: " + err.Error())
		})
		return nil, nil //nolint:nilerr // the plan warns of it
	}
	return found, nil
}
