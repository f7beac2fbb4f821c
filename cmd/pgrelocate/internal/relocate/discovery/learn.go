package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/learning"
)

// Learn looks at the source for those of the wanted releases that the catalogue lacks, and goes
// on as if they stood in it. What is not there either is as unknown as before.
func Learn(ctx context.Context, s *relocate.Session, releases []string) error {
	return learnMissing(ctx, s, releases, learnOne)
}

// learnMissing has one learn each release that the catalogue lacks; missing is the error where there
// is none.
func learnMissing(ctx context.Context, s *relocate.Session, releases []string, one func(ctx context.Context, s *relocate.Session, name string, missing error) error) error {
	for _, name := range releases {
		product, err := s.Product()
		if err != nil {
			return err
		}
		_, missing := product.Release(name)
		if missing == nil {
			continue
		}
		if s.Config.KnownOnly {
			return relocate.Unknown(missing)
		}
		if err := one(ctx, s, name, missing); err != nil {
			return err
		}
	}
	return nil
}

// learnOne adds a release to the session's catalogue; missing is the error where there is none.
func learnOne(ctx context.Context, s *relocate.Session, name string, missing error) error {
	l, err := NewLooker(s)
	if err != nil {
		return err
	}
	s.Note("%s is not in the catalogue: looking for it in %s", name, l.from())
	if err := l.list(ctx); err != nil {
		return fmt.Errorf("looking for %s: %w", name, err)
	}
	return l.learn(ctx, name, missing, func(evidence learning.Evidence, learned *learning.Learned) { tellLearned(s, l, evidence, learned) })
}

// learn makes a release of what was listed, tells of it, and has the session's catalogue have it;
// missing is the error where nothing that was listed bears its name.
func (l *Looker) learn(ctx context.Context, name string, missing error, tell func(learning.Evidence, *learning.Learned)) error {
	name, found := l.named(name)
	if !found {
		return relocate.Unknown(missing)
	}
	evidence, err := l.evidence(ctx, name)
	if errors.Is(err, registry.ErrNotFound) {
		err = &learning.UndeterminedError{Release: name, Err: err}
	}
	if err != nil {
		return err
	}
	learned, err := learning.Learn(l.Product, evidence, l.about(name))
	if err != nil {
		return err
	}
	tell(evidence, learned)
	return adopt(l.Session, l.Product, learned)
}

// adopt has the session's catalogue have a release.
func adopt(s *relocate.Session, product *versions.Product, learned *learning.Learned) error {
	known, err := s.Catalogue()
	if err != nil {
		return err
	}
	merged, err := catalogue.Merge(known, fmt.Sprintf("%s-%s.yaml", product.Name, learned.Name), learned.File)
	if err != nil {
		return err
	}
	s.Adopt(merged)
	return nil
}

// about heads a catalogue file.
func (l *Looker) about(release string) string {
	return fmt.Sprintf("%s of %s, as found in %s.", release, l.Product.Title, l.from())
}

// tellLearned says what was found and from where, and what does not fit together.
func tellLearned(s *relocate.Session, l *Looker, evidence learning.Evidence, learned *learning.Learned) {
	tellFound(s, evidence, learned)
	for _, finding := range learning.Compare(l.Product, evidence) {
		if finding.Disagrees() {
			s.Warn(fmt.Sprintf("%s: %s", learned.Name, inWords(finding)))
		}
	}
	for _, name := range learned.LeftOut {
		s.Warn(fmt.Sprintf("%s: nothing says which tag of %s belongs to it; it is left out", learned.Name, name))
	}
}

// tellFound says which PostgreSQL versions a release has, and what says so.
func tellFound(s *relocate.Session, evidence learning.Evidence, learned *learning.Learned) {
	if learned.Like != "" {
		s.Note("found %s; PostgreSQL %s as with %s, for these images belong to no release", learned.Name, contentOf(learned.Release), learned.Like)
		return
	}
	s.Note("found %s: PostgreSQL %s, by its %s", learned.Name, contentOf(learned.Release), basisOf(evidence, learned))
}

// basisOf is what says which versions a release has.
func basisOf(e learning.Evidence, learned *learning.Learned) string {
	switch {
	case learned.Like != "":
		return "catalogue"
	case len(e.Offers) > 0 || learned.ByChart:
		return "chart"
	default:
		return "tags"
	}
}

// contentOf is "18.4 (full, lite), 17.6 (full)", or "17.5, 17.4 (each full, lite)" where all versions have
// the same.
func contentOf(r *versions.Release) string {
	var names, each []string
	for _, v := range r.Versions() {
		var editions []string
		for _, image := range r.Instances() {
			if image.Version == v && image.Edition() != "" {
				editions = append(editions, string(image.Edition()))
			}
		}
		names, each = append(names, v.String()), append(each, strings.Join(slices.Compact(editions), ", "))
	}
	if len(names) > 1 && len(slices.Compact(slices.Clone(each))) == 1 && each[0] != "" {
		return strings.Join(names, ", ") + " (each " + each[0] + ")"
	}
	for i := range names {
		if each[i] != "" {
			names[i] += " (" + each[i] + ")"
		}
	}
	return strings.Join(names, ", ")
}

// inWords is "postgres-instance:v17.5-v4.5.0 is in the tags, and not in the chart".
func inWords(f learning.Finding) string {
	var has, lacks []string
	for _, who := range []struct {
		name string
		says learning.Saying
	}{{"the catalogue", f.Catalogue}, {"the tags", f.Tags}, {"the chart", f.Chart}} {
		switch who.says {
		case learning.Has:
			has = append(has, who.name)
		case learning.HasNot:
			lacks = append(lacks, who.name)
		}
	}
	return fmt.Sprintf("%s is in %s, and not in %s", f.Artifact, strings.Join(has, " and "), strings.Join(lacks, " or "))
}
