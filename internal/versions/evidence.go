package versions

import (
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Evidence is what is known of one release from where its vendor keeps it.
type Evidence struct {
	// Release is as the vendor writes it, "v4.5.0".
	Release string
	// Tags are all tags of the repositories of Telling that were listed, by their Key.
	Tags map[string][]string
	// Charts says that the release's charts were read. Offers are what users can pick by them,
	// Images all images that they name.
	Charts bool
	Offers []Offer
	Images []ref.Reference
	// ChartTags are, by the chart's name, the tags that do not follow from the release and were
	// found all the same.
	ChartTags map[string]string
}

// Offer is one image that a chart lets users pick.
type Offer struct {
	// Name is what users call it, "postgres-17.5".
	Name string
	// Version is the PostgreSQL version as it stands beside the image; it may be empty.
	Version string
	Image   ref.Reference
}

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

// ReleasesIn are the releases that tags tell of, newest first, each once.
func (p *Product) ReleasesIn(tags map[string][]string) []string {
	var all []string
	for _, telling := range p.Telling() {
		if !telling.TellsReleases() {
			continue
		}
		for _, tag := range telling.Read(tags[telling.Key()]) {
			if !slices.ContainsFunc(all, func(r string) bool { return SameRelease(r, tag.Release) }) {
				all = append(all, tag.Release)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return compareReleases(b, a) })
	return all
}

// InstancesOf are the instances of a release of which tags tell; none where tags do not say to
// which release they belong.
func (p *Product) InstancesOf(tags map[string][]string, release string) []Tag {
	return p.instancesIn(tags, func(t Telling, tag Tag) bool { return t.TellsReleases() && SameRelease(tag.Release, release) })
}

// LooseVersions are the versions of which tags tell that belong to no release, newest first.
func (p *Product) LooseVersions(tags map[string][]string) []Version {
	var all []Version
	for _, tag := range p.instancesIn(tags, func(t Telling, _ Tag) bool { return !t.TellsReleases() }) {
		all = append(all, tag.Version)
	}
	slices.SortFunc(all, newestFirst)
	return slices.Compact(all)
}

func (p *Product) instancesIn(tags map[string][]string, wanted func(Telling, Tag) bool) []Tag {
	var all []Tag
	for _, telling := range p.Telling() {
		if telling.role != RoleInstance || !telling.TellsVersions() {
			continue
		}
		for _, tag := range telling.Read(tags[telling.Key()]) {
			if wanted(telling, tag) {
				all = append(all, tag)
			}
		}
	}
	return all
}

// SameRelease tells whether two names are of one release: with or without a v.
func SameRelease(a, b string) bool { return withoutV(a) == withoutV(b) }

// CompareReleases is negative where release a is older than b, positive where it is newer, else 0.
func CompareReleases(a, b string) int { return compareReleases(a, b) }

// Compare says what catalogue, tags and chart say about the artifacts of a release, in the order
// of the catalogue, and then what else is. The release may be one that the catalogue lacks.
func (p *Product) Compare(e Evidence) []Finding {
	c := comparison{product: p, evidence: e}
	known, err := p.Release(e.Release)
	if err == nil && SameRelease(known.Name, e.Release) {
		c.known = known
		for _, location := range known.Locations() {
			c.add(location.Vendor())
		}
	}
	for _, telling := range p.Telling() {
		if !telling.TellsReleases() {
			continue
		}
		for _, tag := range telling.Read(e.Tags[telling.Key()]) {
			if SameRelease(tag.Release, e.Release) {
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
	product  *Product
	evidence Evidence
	known    *Release
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
	return said(slices.ContainsFunc(c.known.Locations(), func(l Location) bool { return tagOnly(l.Vendor()) == artifact }))
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

// Taken is where the selection takes something from, as an artifact that has nothing else.
func (s Selection) Taken(product *Product, role Role, l Location) Artifact {
	from, chartURL := s.source(l)
	return Artifact{Product: product.Name, Role: role, Source: from, ChartURL: chartURL}
}

// Place is the repository of a Location below the target, without a host.
func (l Location) Place() string { return l.placed() }

// IsPreview tells whether a release is one before another: v4.5.0-rc.1.
func IsPreview(release string) bool {
	v, err := semver.NewVersion(release)
	return err == nil && v.Prerelease() != ""
}

// NewerVersions are those of all that are newer than what there is: than every minor of their
// major, or than every major.
func NewerVersions(have, all []Version) []Version {
	newest := map[int]Version{}
	highest := 0
	for _, v := range have {
		highest = max(highest, v.Major)
		if v.Compare(newest[v.Major]) > 0 {
			newest[v.Major] = v
		}
	}
	newer := slices.DeleteFunc(slices.Clone(all), func(v Version) bool {
		before, known := newest[v.Major]
		return known && v.Compare(before) <= 0 || !known && v.Major < highest
	})
	slices.SortFunc(newer, newestFirst)
	return slices.Compact(newer)
}
