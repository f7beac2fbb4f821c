package bundle

import (
	"path"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/learning"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// catalogueIndex knows where a catalogue puts what comes from a source, and what it is.
type catalogueIndex struct {
	// known are the artifacts of all products, by their sources' names and tags.
	known map[string]map[string]offered
	// near are some artifact each, by their sources' names: other tags go beside it.
	near map[string]offered
}

// offered is an artifact of a product.
type offered struct {
	versions.Artifact
	product *versions.Product
}

func newCatalogueIndex(c *versions.Catalogue) *catalogueIndex {
	p := &catalogueIndex{known: make(map[string]map[string]offered), near: make(map[string]offered)}
	for _, product := range c.Products() {
		for _, release := range product.Releases {
			all, err := versions.Select(c, versions.Selection{Product: product.Name, Releases: []string{release.Name}, Whole: true})
			if err != nil {
				continue
			}
			for _, a := range all {
				p.add(offered{a, product})
			}
		}
	}
	return p
}

func (p *catalogueIndex) add(a offered) {
	name := a.Source.Name()
	if p.known[name] == nil {
		p.known[name] = make(map[string]offered)
	}
	if _, ok := p.known[name][a.Source.Tag]; !ok {
		p.known[name][a.Source.Tag] = a
	}
	p.near[name] = a
}

// of finds an artifact, and the folder at the head of its target's repository that may be
// replaced. What no product knows keeps the path that it had.
func (p *catalogueIndex) of(source ref.Reference) (versions.Artifact, string) {
	name := source.Name()
	if a, ok := p.known[name][source.Tag]; ok {
		return a.Artifact, a.product.Target
	}
	beside, ok := p.near[name]
	if !ok {
		return versions.Artifact{Source: source, Target: ref.Reference{Repository: source.Repository, Tag: source.Tag}}, ""
	}
	a := beside.Artifact
	a.Source, a.Target.Tag = source, source.Tag
	a.Release, a.Versions, a.Edition = source.Tag, nil, ""
	if found := learning.TagVersions(beside.product, path.Base(source.Repository), []string{source.Tag}); len(found) > 0 {
		a.Release, a.Edition = found[0].Release, found[0].Edition
		a.Versions = []postgres.Version{found[0].Version}
	}
	return a, beside.product.Target
}
