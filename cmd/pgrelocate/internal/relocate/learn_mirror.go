package relocate

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// learnMirrored looks into the private registry for those of the settings' releases that the
// catalogue lacks, and goes on as if they stood in it: it is the copy that counts, and whoever
// installs may not reach the source. What was not copied is as unknown as before.
func (s *Session) learnMirrored(ctx context.Context) error {
	for _, name := range s.cfg.Releases {
		product, err := s.Product()
		if err != nil {
			return err
		}
		_, missing := product.Release(name)
		if missing == nil {
			continue
		}
		if s.cfg.KnownOnly {
			return unknown(missing)
		}
		if err := s.learnOneMirrored(ctx, name, missing); err != nil {
			return err
		}
	}
	return nil
}

// learnOneMirrored adds a release to the session's catalogue; missing is the error where there is
// none.
func (s *Session) learnOneMirrored(ctx context.Context, name string, missing error) error {
	l, err := s.newLooker()
	if err != nil {
		return err
	}
	l.mirror = true
	s.note("%s is not in the catalogue: looking for it in %s", name, l.from())
	if l.tags, err = l.listPrivate(ctx); err != nil {
		return fmt.Errorf("looking for %s: %w", name, err)
	}
	name, found := l.named(name)
	if !found {
		return unknown(missing)
	}
	evidence, err := l.evidence(ctx, name)
	if errors.Is(err, registry.ErrNotFound) {
		err = &versions.UndeterminedError{Release: name, Err: err}
	}
	if err != nil {
		return err
	}
	learned, err := l.product.Learn(evidence, l.about(name))
	if err != nil {
		return err
	}
	s.note("found %s: PostgreSQL %s, by its %s", learned.Name, contentOf(learned.Release), basisOf(evidence))
	return s.adopt(l.product, learned)
}

// listPrivate lists the tags that tell of releases or versions in the private registry.
func (l *looker) listPrivate(ctx context.Context) (map[string][]string, error) {
	client, err := l.Clients.Target(ctx, false)
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	target := targetOf(l.cfg.Registry, l.product)
	for _, telling := range l.product.Telling() {
		tags, err := client.Tags(ctx, target.Reference(telling.Place(), "").Repository)
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			return nil, err
		}
		all[telling.Key()] = tags
	}
	return all, nil
}

// mirroredTags are the tags that say something of what a release has. A mirror need not be whole:
// that it lacks an image says nothing of the release.
func (l *looker) mirroredTags() map[string][]string {
	tags := map[string][]string{}
	for _, telling := range l.product.Telling() {
		if telling.TellsVersions() {
			tags[telling.Key()] = l.tags[telling.Key()]
		}
	}
	return tags
}

// mirroredCharts are those of a release in the private registry, but for optional ones.
func (l *looker) mirroredCharts(ctx context.Context, asked []versions.Chart) ([]*chart.Chart, error) {
	client, err := l.Clients.Target(ctx, false)
	if err != nil {
		return nil, err
	}
	target := targetOf(l.cfg.Registry, l.product)
	var all []*chart.Chart
	for _, c := range asked {
		at := target.Reference(c.Place(), c.Tag)
		packed, err := chart.Fetch(ctx, client, at.Repository, at.Tag)
		if err != nil {
			return nil, err
		}
		all = append(all, packed)
	}
	return all, nil
}
