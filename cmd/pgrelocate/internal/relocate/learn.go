package relocate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// learn looks at the source for those of the wanted releases that the catalogue lacks, and goes
// on as if they stood in it. What is not there either is as unknown as before.
func (s *Session) learn(ctx context.Context, releases []string) error {
	for _, name := range releases {
		product, err := s.Product()
		if err != nil {
			return err
		}
		_, unknownErr := product.Release(name)
		if unknownErr == nil {
			continue
		}
		if s.cfg.KnownOnly {
			return unknown(unknownErr)
		}
		if err := s.learnOne(ctx, name, unknownErr); err != nil {
			return err
		}
	}
	return nil
}

// learnOne adds a release to the session's catalogue; missing is the error where there is none.
func (s *Session) learnOne(ctx context.Context, name string, missing error) error {
	l, err := s.newLooker()
	if err != nil {
		return err
	}
	s.note("%s is not in the catalogue: looking for it in %s", name, l.from())
	if err := l.list(ctx); err != nil {
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
	s.tellLearned(l, evidence, learned)
	return s.adopt(l.product, learned)
}

// adopt has the session's catalogue have a release.
func (s *Session) adopt(product *versions.Product, learned *versions.Learned) error {
	catalogue, err := s.Catalogue()
	if err == nil {
		s.learned, err = catalogue.Merge(fmt.Sprintf("%s-%s.yaml", product.Name, learned.Name), learned.File)
	}
	return err
}

// about heads a catalogue file.
func (l *looker) about(release string) string {
	return fmt.Sprintf("%s of %s, as found in %s.", release, l.product.Title, l.from())
}

// tellLearned says what was found and from where, and what does not fit together.
func (s *Session) tellLearned(l *looker, evidence versions.Evidence, learned *versions.Learned) {
	s.note("found %s: PostgreSQL %s, by its %s", learned.Name, contentOf(learned.Release), basisOf(evidence))
	for _, finding := range l.product.Compare(evidence) {
		if finding.Disagrees() {
			s.warn(fmt.Sprintf("%s: %s", learned.Name, inWords(finding)))
		}
	}
	for _, name := range learned.LeftOut {
		s.warn(fmt.Sprintf("%s: nothing says which tag of %s belongs to it; it is left out", learned.Name, name))
	}
}

// basisOf is what says which versions a release has.
func basisOf(e versions.Evidence) string {
	if len(e.Offers) > 0 {
		return "chart"
	}
	return "tags"
}

// contentOf is "18.4 (full, lite), 17.6 (full)".
func contentOf(r *versions.Release) string {
	var words []string
	for _, v := range r.Versions() {
		var editions []string
		for _, image := range r.Instances() {
			if image.Version == v && image.Edition() != "" {
				editions = append(editions, string(image.Edition()))
			}
		}
		word := v.String()
		if len(editions) > 0 {
			word += " (" + strings.Join(slices.Compact(editions), ", ") + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// inWords is "postgres-instance:v17.5-v4.5.0 is in the tags, and not in the chart".
func inWords(f versions.Finding) string {
	var has, lacks []string
	for _, who := range []struct {
		name string
		says versions.Saying
	}{{"the catalogue", f.Catalogue}, {"the tags", f.Tags}, {"the chart", f.Chart}} {
		switch who.says {
		case versions.Has:
			has = append(has, who.name)
		case versions.HasNot:
			lacks = append(lacks, who.name)
		}
	}
	return fmt.Sprintf("%s is in %s, and not in %s", f.Artifact, strings.Join(has, " and "), strings.Join(lacks, " or "))
}

// Learned are the releases of the settings that were found at the source.
func (s *Session) Learned() []string {
	if s.learned == nil {
		return nil
	}
	known, err := s.catalogue()
	if err != nil {
		return nil
	}
	var all []string
	for _, name := range s.cfg.Releases {
		if product, err := known.Product(s.cfg.Product); err == nil {
			if _, err := product.Release(name); err != nil {
				all = append(all, name)
			}
		}
	}
	return all
}

// newer is the newest release of which tags tell that were listed already, where it is newer than
// all that the catalogue knows; empty where there is none, or nothing was listed. It sends nothing.
func (c *copying) newer(ctx context.Context) string {
	l, err := c.newLooker()
	if err != nil {
		return ""
	}
	owner := ownerOfCredentials(c.cfg, c.artifacts)
	for _, telling := range l.product.Telling() {
		at := l.selection().SourceOf(telling.Location)
		if !slices.ContainsFunc(c.artifacts, func(a versions.Artifact) bool { return a.Source.Name() == at.Name() }) {
			continue // its client is not there
		}
		client, err := c.Clients.Source(ctx, at.Host, owner)
		if err != nil {
			continue
		}
		if tags, listed := client.Listed(at.Repository); listed {
			l.tags[telling.Key()] = tags
		}
	}
	name := newestName(l.product.ReleasesIn(l.tags))
	if name == "" || versions.CompareReleases(name, l.product.Newest().Name) <= 0 {
		return ""
	}
	return name
}
