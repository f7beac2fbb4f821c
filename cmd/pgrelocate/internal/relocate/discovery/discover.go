package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/learning"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
)

// mostCharts is into how many charts a discovery looks that nobody has named: those of the newest
// releases that the catalogue lacks.
const mostCharts = 5

// Discovery is what exists at the source, beside what is known and what is mirrored.
type Discovery struct {
	Product *versions.Product
	// From is where was looked.
	From string
	// Current is the newest release that is mirrored or, where no private registry was asked, that
	// the catalogue knows; empty where none is. Newest is the newest at the source, previews
	// aside; empty where there is none.
	Current, Newest string
	// NewVersions are the PostgreSQL versions of the newest release that are newer than all of
	// their major in the current one; where versions belong to no release, those at the source.
	NewVersions []postgres.Version
	// Releases are those at the source and in the catalogue, newest first; or those that were
	// asked for.
	Releases []*DiscoveredRelease
	// Failures is an *exit.PartialError with the releases of which it could not be found out what
	// belongs to them; nil where there are none.
	Failures error
}

// UpdateAvailable tells whether the source has a release that is newer than the current one.
func (d *Discovery) UpdateAvailable() bool {
	return d.Newest != "" && (d.Current == "" || releasename.Compare(d.Newest, d.Current) > 0)
}

// DiscoveredRelease is one release of a Discovery.
type DiscoveredRelease struct {
	Name string
	// AtSource says that tags tell of it, Known that the catalogue has it; Preview that it comes
	// before another.
	AtSource, Known, Preview bool
	// Mirrored says that the private registry has it; nil where that was not asked.
	Mirrored *bool
	// Basis is what the versions are from: "catalogue", "chart" or "tags".
	Basis    string
	Versions []postgres.Version
	Editions []versions.Edition
	// Disagreements are what catalogue, tags and chart say differently.
	Disagreements []learning.Finding
	// LeftOut are images, by name, of which nothing says which tag belongs to the release.
	LeftOut []string
	// Learned is the release as it was worked out; nil for those that were not.
	Learned *learning.Learned
	// Err is why it is not known what belongs to it.
	Err error
}

// Discover looks at the source for what the catalogue lacks: tags tell of releases and versions,
// and the charts of the newest that are not known, and of those that the settings name, of what
// belongs to them. Where the settings name a private registry, that is asked what it has.
func Discover(ctx context.Context, s *relocate.Session) (*Discovery, error) {
	d := &discovering{Session: s, made: &Discovery{}}
	err := relocate.Run(ctx,
		d.list,        // the tags at the source
		d.listPrivate, // and in the private registry
		d.gather,      // which releases there are
		d.look,        // into the charts of some
		d.conclude,    // what is newer than what
	)
	if err != nil {
		return nil, err
	}
	return d.made, nil
}

// discovering is a discovery that is under way.
type discovering struct {
	*relocate.Session
	Looker  *Looker
	private map[string][]string // the tags of the private registry; nil where it is not asked
	made    *Discovery
}

func (d *discovering) list(ctx context.Context) (err error) {
	if d.Looker, err = NewLooker(d.Session); err != nil {
		return err
	}
	d.made.Product, d.made.From = d.Looker.Product, d.Looker.from()
	d.Note("listing tags in %s", d.made.From)
	return d.Looker.list(ctx)
}

func (d *discovering) listPrivate(ctx context.Context) (err error) {
	if !d.Config.Registry.IsZero() {
		d.private, err = d.Looker.listPrivate(ctx)
	}
	return err
}

// gather collects the releases at the source and in the catalogue, or those that are asked for.
func (d *discovering) gather(context.Context) error {
	product := d.Looker.Product
	atSource := learning.ReleasesIn(product, d.Looker.Tags)
	mirrored := learning.ReleasesIn(product, d.private)
	names := slices.Clone(atSource)
	for _, known := range product.Releases {
		names = appendRelease(names, known.Name)
	}
	var wanted []string
	for _, name := range d.Config.Releases {
		if known, err := product.Release(name); err == nil {
			name = known.Name // "latest" is one
		} else if !hasRelease(names, name) {
			return relocate.Unknown(err)
		}
		wanted = append(wanted, name)
	}
	slices.SortStableFunc(names, func(a, b string) int { return releasename.Compare(b, a) })
	for _, name := range names {
		if len(wanted) > 0 && !hasRelease(wanted, name) {
			continue
		}
		found := &DiscoveredRelease{Name: name, AtSource: hasRelease(atSource, name), Preview: releasename.IsPreview(name)}
		_, err := product.Release(name)
		found.Known = err == nil
		if d.private != nil {
			has := hasRelease(mirrored, name)
			found.Mirrored = &has
		}
		d.made.Releases = append(d.made.Releases, found)
	}
	d.made.Current = NewestName(mirrored)
	if d.private == nil {
		d.made.Current = product.Newest().Name
	}
	d.made.Newest = NewestName(atSource)
	return nil
}

// look finds out what belongs to each release.
func (d *discovering) look(ctx context.Context) error {
	failed := &exit.PartialError{Thing: "releases", Total: len(d.made.Releases)}
	charts := 0
	for _, found := range d.made.Releases {
		wanted := len(d.Config.Releases) > 0
		if !wanted && !found.Known && !found.Preview && charts < mostCharts && releasename.Compare(found.Name, d.Looker.Product.Newest().Name) > 0 {
			wanted = true
			charts++
		}
		if err := d.lookAt(ctx, found, wanted && found.AtSource); err != nil {
			return err
		}
		if found.Err != nil {
			failed.Errors = append(failed.Errors, fmt.Errorf("%s: %w", found.Name, found.Err))
		}
	}
	if len(failed.Errors) > 0 {
		d.made.Failures = failed
	}
	return nil
}

// lookAt finds out what belongs to a release; chart says that its chart is worth the request. Only
// the end of the context is an error.
func (d *discovering) lookAt(ctx context.Context, found *DiscoveredRelease, chart bool) error {
	product := d.Looker.Product
	evidence := learning.Evidence{Release: found.Name, Tags: d.Looker.Tags}
	if chart {
		evidence, found.Err = d.Looker.evidence(ctx, found.Name)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if found.AtSource {
		for _, finding := range learning.Compare(product, evidence) {
			if finding.Disagrees() {
				found.Disagreements = append(found.Disagreements, finding)
			}
		}
	}
	if known, err := product.Release(found.Name); err == nil {
		found.Basis, found.Versions, found.Editions = "catalogue", known.Versions(), known.Editions()
	} else {
		found.fromTags(product, d.Looker.Tags)
	}
	if chart && found.Err == nil {
		found.learn(product, evidence, d.Looker.about(found.Name))
	}
	return nil
}

// fromTags fills in what tags say of a release.
func (r *DiscoveredRelease) fromTags(product *versions.Product, tags map[string][]string) {
	r.Basis = "tags"
	for _, tag := range learning.InstancesOf(product, tags, r.Name) {
		r.Versions = append(r.Versions, tag.Version)
		if e := tag.Edition(); e != "" && !slices.Contains(r.Editions, e) {
			r.Editions = append(r.Editions, e)
		}
	}
	r.Versions = slices.Compact(r.Versions)
	order := product.Editions()
	slices.SortFunc(r.Editions, func(a, b versions.Edition) int { return slices.Index(order, a) - slices.Index(order, b) })
}

// learn works a release out. One that the catalogue has needs none of it.
func (r *DiscoveredRelease) learn(product *versions.Product, evidence learning.Evidence, about string) {
	learned, err := learning.Learn(product, evidence, about)
	if err != nil {
		if !r.Known {
			r.Err = err
		}
		return
	}
	r.Learned, r.LeftOut = learned, learned.LeftOut
	r.Basis, r.Versions, r.Editions = basisOf(evidence, learned), learned.Versions(), learned.Editions()
}

// conclude says which versions are new.
func (d *discovering) conclude(context.Context) error {
	product := d.Looker.Product
	var have, all []postgres.Version
	if current, err := product.Release(d.made.Current); err == nil && d.made.Current != "" {
		have = current.Versions()
	}
	if told := learning.InstancesOf(product, d.private, d.made.Current); len(told) > 0 {
		have = nil
		for _, tag := range told {
			have = append(have, tag.Version)
		}
	}
	for _, found := range d.made.Releases {
		if found.Name == d.made.Newest {
			all = found.Versions
		}
	}
	if loose := learning.LooseVersions(product, d.Looker.Tags); len(loose) > 0 {
		all = loose
	}
	d.made.NewVersions = postgres.Newer(have, all)
	return nil
}

// NewestName is the newest of releases that is no preview; empty where there is none. They are the
// newest first.
func NewestName(releases []string) string {
	for _, name := range releases {
		if !releasename.IsPreview(name) {
			return name
		}
	}
	return ""
}

func hasRelease(all []string, name string) bool {
	return slices.ContainsFunc(all, func(other string) bool { return releasename.Same(other, name) })
}

func appendRelease(all []string, name string) []string {
	if hasRelease(all, name) {
		return all
	}
	return append(all, name)
}

// NothingNewError says that the source has nothing that the catalogue lacks.
type NothingNewError struct{ From string }

// Error says where was looked.
func (e *NothingNewError) Error() string {
	return "no release was found in " + e.From + " that the catalogue lacks and that is newer than those it has"
}

// Export writes the releases that a discovery finds as one catalogue file: those that the settings
// name or, where they name none, those that are newer than all that the catalogue has. Where it
// cannot be found out what belongs to one of them, there is no file.
func Export(ctx context.Context, s *relocate.Session) ([]byte, error) {
	d, err := Discover(ctx, s)
	if err != nil {
		return nil, err
	}
	if d.Failures != nil {
		return nil, d.Failures
	}
	var all []*learning.Learned
	for _, found := range d.Releases {
		switch {
		case found.Learned != nil:
			all = append(all, found.Learned)
			for _, name := range found.LeftOut {
				s.Warn(fmt.Sprintf("%s: nothing says which tag of %s belongs to it; it is left out", found.Name, name))
			}
		case len(s.Config.Releases) > 0:
			return nil, &learning.UndeterminedError{Release: found.Name, Err: errors.New("the source does not tell")}
		}
	}
	if len(all) == 0 {
		return nil, &NothingNewError{From: d.From}
	}
	return learning.CatalogueFile(all...)
}
