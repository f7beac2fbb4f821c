package learning

import (
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
)

// Saying is what one of several says about an artifact.
type Saying string

// What may be said. Nothing is the zero value, of who was not asked, or does not tell.
const (
	Unsaid Saying = ""
	Has    Saying = "yes"
	HasNot Saying = "no"
)

// Finding is what catalogue, tags and chart say about one artifact.
type Finding struct {
	// Artifact is REPOSITORY:TAG.
	Artifact               string
	Catalogue, Tags, Chart Saying
}

// Disagrees tells whether two of them say different things.
func (f Finding) Disagrees() bool {
	all := []Saying{f.Catalogue, f.Tags, f.Chart}
	return slices.Contains(all, Has) && slices.Contains(all, HasNot)
}

// Compare says what catalogue, tags and chart say about the artifacts of a release, in the order
// of the catalogue, and then what else is. The release may be one that the catalogue lacks.
func Compare(p *versions.Product, e Evidence) []Finding {
	c := comparison{product: p, evidence: e}
	known, err := p.Release(e.Release)
	if err == nil && releasename.Same(known.Name, e.Release) {
		c.known = known
		for _, location := range known.Locations() {
			c.add(location.Vendor())
		}
	}
	for _, telling := range TellingOf(p) {
		if !telling.TellsReleases() {
			continue
		}
		for _, tag := range telling.Read(e.Tags[telling.Key()]) {
			if releasename.Same(tag.Release, e.Release) {
				c.add(telling.Registry.Reference(telling.Repository, tag.Tag))
			}
		}
	}
	for _, offer := range e.Offers {
		c.add(offer.Image)
	}
	return c.findings
}

// comparison is a Compare that is under way.
type comparison struct {
	product  *versions.Product
	evidence Evidence
	known    *versions.Release
	seen     []ref.Reference
	findings []Finding
}

func (c *comparison) add(artifact ref.Reference) {
	artifact = tagOnly(artifact)
	if slices.Contains(c.seen, artifact) {
		return
	}
	c.seen = append(c.seen, artifact)
	c.findings = append(c.findings, Finding{
		Artifact:  artifact.Repository + ":" + artifact.Tag,
		Catalogue: c.catalogue(artifact), Tags: c.tags(artifact), Chart: c.chart(artifact),
	})
}

func (c *comparison) catalogue(artifact ref.Reference) Saying {
	if c.known == nil {
		return Unsaid
	}
	return said(slices.ContainsFunc(c.known.Locations(), func(l versions.Location) bool { return tagOnly(l.Vendor()) == artifact }))
}

func (c *comparison) tags(artifact ref.Reference) Saying {
	tags, listed := c.evidence.Tags[artifact.Name()]
	if !listed {
		return Unsaid
	}
	return said(slices.Contains(tags, artifact.Tag))
}

// chart is what the charts say: of what users can pick, all; of the rest, what they name, and
// that it is another tag of the same repository.
func (c *comparison) chart(artifact ref.Reference) Saying {
	if !c.evidence.Charts {
		return Unsaid
	}
	var offered, others []ref.Reference
	for _, offer := range c.evidence.Offers {
		offered = append(offered, tagOnly(offer.Image))
	}
	for _, image := range c.evidence.Images {
		others = append(others, tagOnly(image))
	}
	of := func(all []ref.Reference) bool {
		return slices.ContainsFunc(all, func(i ref.Reference) bool { return i.Name() == artifact.Name() })
	}
	switch {
	case slices.Contains(offered, artifact) || slices.Contains(others, artifact):
		return Has
	case of(offered) || of(others):
		return HasNot
	default:
		return Unsaid
	}
}

// tagOnly is a reference as it is compared: by its tag, where it has one.
func tagOnly(r ref.Reference) ref.Reference {
	if r = r.Canonical(); r.Tag != "" {
		r.Digest = ""
	}
	return r
}

func said(yes bool) Saying {
	if yes {
		return Has
	}
	return HasNot
}
