package learning

import (
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
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

// ReleasesIn are the releases that tags tell of, newest first, each once.
func ReleasesIn(p *versions.Product, tags map[string][]string) []string {
	var all []string
	for _, telling := range TellingOf(p) {
		if !telling.TellsReleases() {
			continue
		}
		for _, tag := range telling.Read(tags[telling.Key()]) {
			if !slices.ContainsFunc(all, func(r string) bool { return releasename.Same(r, tag.Release) }) {
				all = append(all, tag.Release)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return releasename.Compare(b, a) })
	return all
}

// InstancesOf are the instances of a release of which tags tell; none where tags do not say to
// which release they belong.
func InstancesOf(p *versions.Product, tags map[string][]string, release string) []Tag {
	return instancesIn(p, tags, func(t Telling, tag Tag) bool { return t.TellsReleases() && releasename.Same(tag.Release, release) })
}

// LooseVersions are the versions of which tags tell that belong to no release, newest first.
func LooseVersions(p *versions.Product, tags map[string][]string) []postgres.Version {
	var all []postgres.Version
	for _, tag := range instancesIn(p, tags, func(t Telling, _ Tag) bool { return !t.TellsReleases() }) {
		all = append(all, tag.Version)
	}
	slices.SortFunc(all, postgres.NewestFirst)
	return slices.Compact(all)
}

func instancesIn(p *versions.Product, tags map[string][]string, wanted func(Telling, Tag) bool) []Tag {
	var all []Tag
	for _, telling := range TellingOf(p) {
		if telling.role != versions.RoleInstance || !telling.TellsVersions() {
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
