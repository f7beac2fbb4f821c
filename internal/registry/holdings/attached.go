package holdings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Lister is as much of a registry as finding what is attached to something needs; see registry.Source.
type Lister interface {
	Tags(ctx context.Context, repository string) ([]string, error)
	Referrers(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error)
}

// mostAttached is how many attachments one artifact may have.
const mostAttached = 10_000

// AttachedTags are those of sorted tags that cosign gives to what belongs to subject:
// sha256-<hex>.sig, .att, .sbom and whatever it adds to them.
func AttachedTags(tags []string, subject v1.Hash) []string {
	prefix := subject.Algorithm + "-" + subject.Hex + "."
	first, _ := slices.BinarySearch(tags, prefix)
	var found []string
	for _, tag := range tags[first:] {
		if !strings.HasPrefix(tag, prefix) {
			break
		}
		// A registry says what it likes, and the tag becomes a part of addresses.
		if ref.IsTag(tag) {
			found = append(found, tag)
		}
	}
	return found
}

// tagList is the tags of a repository, asked for once.
type tagList struct {
	once sync.Once
	tags []string
	err  error
}

// AttachedTo are the tags and the digests by which a repository knows what is attached to subject. Where
// it refuses to list them Warn hears of it, for then nobody has looked.
func (i *Inspector) AttachedTo(ctx context.Context, repository string, subject v1.Hash) ([]string, error) {
	tags, err := i.tags(ctx, repository)
	if err != nil {
		return nil, err
	}
	found := AttachedTags(tags, subject)
	referrers, err := i.Attached.Referrers(ctx, repository, subject)
	if err != nil {
		return found, i.unlisted(ctx, "the referrers in "+repository, err)
	}
	for _, d := range referrers {
		found = append(found, d.Digest.String())
	}
	return found, nil
}

func (i *Inspector) tags(ctx context.Context, repository string) ([]string, error) {
	i.mu.Lock()
	l := i.listed[repository]
	if l == nil {
		l = &tagList{}
		i.listed[repository] = l
	}
	i.mu.Unlock()
	l.once.Do(func() {
		tags, err := i.Attached.Tags(ctx, repository)
		l.tags = slices.Clone(tags)
		sort.Strings(l.tags)
		if err != nil && !errors.Is(err, registry.ErrRepositoryUnknown) {
			l.err = i.unlisted(ctx, "the tags of "+repository, err)
		}
	})
	return l.tags, l.err
}

// unlisted warns, once, of a listing that is refused; of one that failed it returns the error.
func (i *Inspector) unlisted(ctx context.Context, what string, err error) error {
	refused := errors.Is(err, registry.ErrRefuses) || errors.Is(err, registry.ErrForbidden) || errors.Is(err, registry.ErrUnauthorized)
	if ctx.Err() != nil || !refused {
		return fmt.Errorf("whether what is attached is whole is not known: %w", err)
	}
	i.mu.Lock()
	told := i.told[what]
	i.told[what] = true
	i.mu.Unlock()
	if !told && i.Warn != nil {
		i.Warn(what + " at the target cannot be listed, so that signatures kept there are not looked at: " + err.Error())
	}
	return nil
}

// mostWaves is how often something may be attached to what is attached itself: a signature of an
// SBOM of an image is two.
const mostWaves = 16

// CheckWave refuses to ask, for the wave's time counted from 1, what is attached to what the wave
// before has found: a registry could make it up for ever. errors.Is tells oci.ErrLimit.
func CheckWave(wave int) error {
	if wave > mostWaves {
		return fmt.Errorf("attachments to attachments are nested %w: more than %d times", oci.ErrLimit, mostWaves)
	}
	return nil
}

// attachedLacks lists what a repository lacks of what is attached to subjects, and to that in its turn;
// named are the references of some that should be there, whatever is listed.
func (i *Inspector) attachedLacks(ctx context.Context, repository string, subjects []v1.Hash, named []string) ([]string, error) {
	seen := map[string]bool{}
	var lacks []string
	for wave := 1; len(subjects) > 0; wave++ {
		if err := CheckWave(wave); err != nil {
			return nil, err
		}
		found, err := i.names(ctx, repository, subjects)
		if err != nil {
			return nil, err
		}
		var fresh []string
		for _, reference := range slices.Concat(named, found) {
			if !seen[reference] {
				seen[reference] = true
				fresh = append(fresh, reference)
			}
		}
		if len(seen) > mostAttached {
			return nil, fmt.Errorf("%w: more than %d attachments", oci.ErrLimit, mostAttached)
		}
		held := make([]Found, len(fresh))
		err = each(ctx, len(fresh), func(ctx context.Context, n int) (err error) {
			held[n], err = i.Look(ctx, repository, fresh[n])
			if errors.Is(err, registry.ErrUnknownType) { // nobody copies it
				err = nil
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		named, subjects = nil, nil
		for _, h := range held {
			lacks, subjects = append(lacks, h.Lacks...), append(subjects, h.Manifests...)
		}
	}
	return lacks, nil
}

// names are the references of what is attached to any of the subjects.
func (i *Inspector) names(ctx context.Context, repository string, subjects []v1.Hash) ([]string, error) {
	all := make([][]string, len(subjects))
	err := each(ctx, len(subjects), func(ctx context.Context, n int) (err error) {
		all[n], err = i.AttachedTo(ctx, repository, subjects[n])
		return err
	})
	return slices.Concat(all...), err
}
