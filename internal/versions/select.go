package versions

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// Selection is what a user wants of a catalogue. The zero value is everything of the
// default product's newest release, without targets.
type Selection struct {
	// Product is a name in the catalogue; empty is DefaultProduct.
	Product string
	// Releases are names as Product.Release takes them; none is the newest known.
	Releases []string
	// Versions selects PostgreSQL versions. With several releases each of its terms has
	// to exist in one of them.
	Versions postgres.Expression
	// Editions are the wanted ones; none is all. Releases that know no editions have one
	// image for whatever is wanted.
	Editions []Edition
	// Extras are the wanted images beside the instances, or "all", or "none"; nil is all.
	Extras []string
	// Axes are the wanted words on other axes, "os": {"trixie"}; an axis that is not there, or
	// has none, is what the catalogue selects by default. "all" is all of them, and "none" those
	// images alone that are nothing on the axis.
	Axes map[string][]string
	// Whole takes everything of the releases, what is optional or not a default among it, and
	// neither Versions nor anything else narrows it.
	Whole bool
	// Source takes the place of the vendor's own registry and folder; zero keeps those. Sources
	// do so for the registries that the catalogue gives their names.
	Source  ref.Folder
	Sources map[string]ref.Folder
	// Target is the private registry. Without a path the product's own target is the
	// path. Where it is zero, targets have a repository and a tag, but no host.
	Target ref.Folder
}

// Select returns the artifacts of a selection in the order of a plan: release by
// release, newest first, and in each the chart, the operator, the instances, newest
// first, and the extras. An artifact that two releases share is there once. Selecting
// what does not exist is an *UnknownError. A name that no registry takes is an error too.
func Select(c *Catalogue, s Selection) ([]Artifact, error) {
	product, releases, chosen, err := s.from(c)
	if err != nil {
		return nil, err
	}
	var all []placed
	for _, r := range chosen {
		all = append(all, s.artifacts(product, r)...)
	}
	artifacts, err := distinct(all)
	if err != nil {
		return nil, err
	}
	if err := checkNames(artifacts); err != nil {
		return nil, err
	}
	if len(artifacts) == 0 {
		return nil, fmt.Errorf("nothing is selected: the catalogue has no image and no chart for %s", names(releases))
	}
	return artifacts, nil
}

// checkNames finds what no registry could hold: only a folder and an artifact together
// show whether a name is too long, or has the namespace that Docker Hub wants.
func checkNames(artifacts []Artifact) error {
	for _, a := range artifacts {
		for _, r := range []ref.Reference{a.Source, a.Target} {
			if err := ref.CheckRepository(r.Host, r.Repository); err != nil {
				return fmt.Errorf("%s of %s: %w", a.Role, a.Release, err)
			}
		}
	}
	return nil
}

// releases finds releases by name, newest first, each once.
func (p *Product) releases(names []string) ([]*Release, error) {
	if len(names) == 0 {
		return []*Release{p.Newest()}, nil
	}
	var found []*Release
	for _, name := range names {
		r, err := p.Release(name)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	slices.SortFunc(found, func(a, b *Release) int { return releasename.Compare(b.Name, a.Name) })
	return slices.Compact(found), nil
}

// from is the product, the releases that are named, and these narrowed to what is wanted of them.
func (s Selection) from(c *Catalogue) (product *Product, releases, chosen []*Release, err error) {
	if product, err = c.Product(s.Product); err != nil {
		return nil, nil, nil, err
	}
	if releases, err = product.releases(s.Releases); err != nil {
		return nil, nil, nil, err
	}
	chosen, err = s.choose(product, releases)
	return product, releases, chosen, err
}

// choose narrows releases to what is wanted of them.
func (s Selection) choose(product *Product, releases []*Release) ([]*Release, error) {
	if err := s.checkEditions(product, releases); err != nil {
		return nil, err
	}
	if err := s.checkAxes(releases); err != nil {
		return nil, err
	}
	if err := s.checkVersions(releases); err != nil {
		return nil, err
	}
	if err := s.checkExtras(releases); err != nil {
		return nil, err
	}
	if err := s.checkSources(product); err != nil {
		return nil, err
	}
	if s.Whole {
		return releases, nil
	}
	narrowed := make([]*Release, len(releases))
	for i, r := range releases {
		narrow, s := *r, s.withOptionalCharts(r)
		versions, _ := s.Versions.Pick(versionsOf(s.onAxes(r)))
		narrow.Charts = slices.DeleteFunc(slices.Clone(r.Charts), func(c Chart) bool { return !s.wantsChart(c) })
		narrow.Images = slices.DeleteFunc(slices.Clone(r.Images), func(x Image) bool { return !s.wants(x, versions) })
		narrowed[i] = &narrow
	}
	return narrowed, nil
}

// wantsChart tells whether a chart is selected.
func (s Selection) wantsChart(c Chart) bool {
	return !c.Optional || slices.Contains(s.Extras, c.Name) || slices.Contains(s.Extras, schema.AllWord)
}

// withOptionalCharts takes along, with each optional chart that is wanted, what its values name.
func (s Selection) withOptionalCharts(r *Release) Selection {
	for _, c := range r.Charts {
		if !c.Optional || !s.wantsChart(c) {
			continue
		}
		for _, value := range c.Values {
			s.Extras = append(slices.Clone(s.Extras), value.Images()...)
		}
	}
	return s
}

// wants tells whether an image is selected, of those of some versions.
func (s Selection) wants(x Image, versions []postgres.Version) bool {
	switch x.Role {
	case RoleOperator:
		return true
	case RoleInstance:
		return s.isOnAxes(x) && slices.Contains(versions, x.Version)
	default:
		return s.wantsExtra(x) && s.isOnAxes(x)
	}
}

// onAxes returns a release's instances that are what is wanted on all axes.
func (s Selection) onAxes(r *Release) []Image {
	return slices.DeleteFunc(r.Instances(), func(x Image) bool { return !s.isOnAxes(x) })
}

func (s Selection) isOnAxes(x Image) bool {
	for axis, word := range x.Axes {
		wanted := s.on(axis)
		if len(wanted) > 0 && !slices.Contains(wanted, word) && !slices.Contains(wanted, schema.AllWord) {
			return false
		}
	}
	return !slices.ContainsFunc(x.Beyond, func(axis string) bool { return len(s.on(axis)) == 0 })
}

// on are the wanted words on an axis; none where nothing was said.
func (s Selection) on(axis string) []string {
	if words := s.Axes[axis]; len(words) > 0 || axis != schema.EditionAxis {
		return words
	}
	return editionNames(s.Editions)
}

// errTwice: editions are an axis with a name of its own.
var errTwice = errors.New("editions are named twice, as editions and on the axis of that name")

// checkAxes wants every axis, and every word on it, to exist in one of the releases.
func (s Selection) checkAxes(releases []*Release) error {
	if len(s.Editions) > 0 && len(s.Axes[schema.EditionAxis]) > 0 {
		return errTwice
	}
	var axes []string
	for _, r := range releases {
		for _, x := range r.Images {
			axes = slices.AppendSeq(axes, maps.Keys(x.Axes))
		}
	}
	slices.Sort(axes)
	axes = slices.Compact(axes)
	for _, axis := range slices.Sorted(maps.Keys(s.Axes)) {
		if !slices.Contains(axes, axis) {
			return suggest.Unknown(axis, "an axis of "+names(releases), axes)
		}
		var have []string
		for _, r := range releases {
			have = append(have, r.Axis(axis)...)
		}
		slices.Sort(have)
		have = slices.Compact(have)
		for _, word := range s.Axes[axis] {
			switch {
			case word == schema.AllWord || slices.Contains(have, word):
			case word != schema.NoneWord:
				return suggest.Unknown(word, "on the axis "+axis+" of "+names(releases), have)
			case len(s.Axes[axis]) > 1:
				return fmt.Errorf("axis %s: none cannot stand beside others", axis)
			}
		}
	}
	return nil
}

// checkSources wants every registry that is replaced to be one of the product's.
func (s Selection) checkSources(product *Product) error {
	have := product.Registries()
	for _, name := range slices.Sorted(maps.Keys(s.Sources)) {
		if !slices.Contains(have, name) {
			return suggest.Unknown(name, "a registry of "+product.Name, have)
		}
	}
	return nil
}

func (s Selection) checkEditions(product *Product, releases []*Release) error {
	all, without := editionsOf(releases)
	if without {
		// Such a release has one image for whatever is wanted, so that one setting serves
		// old and new releases; a word that no release knows is a mistake all the same.
		all = product.Editions()
	}
	for _, e := range s.Editions {
		if !slices.Contains(all, e) {
			return suggest.Unknown(string(e), "an edition of "+names(releases), editionNames(all))
		}
	}
	return nil
}

// editionsOf collects the editions of releases, and tells whether one knows none.
func editionsOf(releases []*Release) (all []Edition, without bool) {
	for _, r := range releases {
		editions := r.Editions()
		without = without || len(editions) == 0
		for _, e := range editions {
			if !slices.Contains(all, e) {
				all = append(all, e)
			}
		}
	}
	return all, without
}

func editionNames(all []Edition) []string {
	words := make([]string, len(all))
	for i, e := range all {
		words[i] = string(e)
	}
	return words
}

// checkVersions wants every term to exist in one of the releases.
func (s Selection) checkVersions(releases []*Release) error {
	var available, anyEdition []postgres.Version
	for _, r := range releases {
		available = append(available, versionsOf(s.onAxes(r))...)
		anyEdition = append(anyEdition, r.Versions()...)
	}
	_, missed := s.Versions.Pick(available)
	if len(missed) == 0 {
		return nil
	}
	where := "in " + names(releases)
	if missed[0].SelectsOf(anyEdition) {
		where += " as " + s.onAxesInWords()
	}
	return missed[0].Missing(available, where)
}

// onAxesInWords is what is wanted beside versions.
func (s Selection) onAxesInWords() string {
	words := editionNames(s.Editions)
	for _, axis := range slices.Sorted(maps.Keys(s.Axes)) {
		if slices.Equal(s.Axes[axis], []string{schema.NoneWord}) {
			words = append(words, "nothing on the axis "+axis)
			continue
		}
		words = append(words, s.Axes[axis]...)
	}
	if len(words) == 0 {
		return "what is selected by default"
	}
	return strings.Join(words, " or ")
}

func (s Selection) wantsExtra(x Image) bool {
	if s.Extras == nil {
		return !x.Optional
	}
	return slices.Contains(s.Extras, x.Name) || slices.Contains(s.Extras, schema.AllWord)
}

func (s Selection) checkExtras(releases []*Release) error {
	var have []string
	for _, r := range releases {
		for _, x := range r.Extras() {
			have = append(have, x.Name)
		}
		for _, c := range r.Charts {
			if c.Optional {
				have = append(have, c.Name)
			}
		}
	}
	for _, name := range s.Extras {
		if name != schema.AllWord && name != schema.NoneWord && !slices.Contains(have, name) {
			return suggest.Unknown(name, "an extra of "+names(releases), have)
		}
		if name == schema.NoneWord && len(s.Extras) > 1 {
			return errors.New("extras: none cannot stand beside others")
		}
	}
	return nil
}

// placed is an artifact with the vendor's own name for it, whatever source was asked for.
type placed struct {
	Artifact
	vendor ref.Reference
}

// artifacts lists what is left of a narrowed release.
func (s Selection) artifacts(product *Product, r *Release) []placed {
	var all []placed
	add := func(role Role, l Location) *Artifact {
		source, chartURL := s.source(l)
		all = append(all, placed{vendor: l.Vendor(), Artifact: Artifact{
			Product: product.Name, Release: r.Name, Role: role, Source: source, ChartURL: chartURL,
			Target: s.target(product).Reference(l.Place(), l.Tag),
		}})
		return &all[len(all)-1].Artifact
	}
	for i, c := range r.Charts {
		if c.Tag == "" {
			continue
		}
		if made := add(RoleChart, c.Location); i > 0 {
			made.Name = c.Name
		}
	}
	served := map[Location]int{}
	for _, x := range r.Images {
		at, ok := served[x.Location]
		if !ok {
			at = len(all)
			served[x.Location] = at
			describe(add(x.Role, x.Location), x)
		}
		if !x.Version.IsZero() && !slices.Contains(all[at].Versions, x.Version) {
			all[at].Versions = append(all[at].Versions, x.Version)
		}
	}
	return all
}

// describe says what an image is.
func describe(a *Artifact, x Image) {
	a.Edition = x.Edition()
	switch {
	case x.Role == RoleExtra:
		a.Extra = x.Name
	case x.Role == RoleInstance && x.Name != schema.InstanceName:
		a.Name = x.Name
	}
	for axis, word := range x.Axes {
		if axis == schema.EditionAxis {
			continue
		}
		if a.Axes == nil {
			a.Axes = map[string]string{}
		}
		a.Axes[axis] = word
	}
}

// SourceOf is where the selection takes something from.
func (s Selection) SourceOf(l Location) ref.Reference {
	from, _ := s.source(l)
	return from
}

// source is where something is taken from. What another source holds is in a registry, and
// where a relocation put it.
func (s Selection) source(l Location) (from ref.Reference, chartURL string) {
	override := s.Source
	if named, ok := s.Sources[l.From]; ok {
		override = named
	}
	switch {
	case override.IsZero():
		return l.Vendor(), l.URL
	case l.URL != "":
		return override.Reference(l.Place(), l.Tag), ""
	default:
		return override.Reference(l.Repository, l.Tag), ""
	}
}

// target is the folder in the private registry.
func (s Selection) target(product *Product) ref.Folder {
	if s.Target.Path == "" {
		return ref.Folder{Host: s.Target.Host, Path: product.Target}
	}
	return s.Target
}

// distinct leaves out what came before from another release. Artifacts are told apart by their
// vendor's names for them: another source may keep several registries in one folder. Two that
// would become one at the target are refused; within a release compile has seen to that.
func distinct(all []placed) ([]Artifact, error) {
	kept := make([]Artifact, 0, len(all))
	at := map[ref.Reference]placed{}
	for _, a := range all {
		before, taken := at[a.Target]
		switch {
		case !taken:
			at[a.Target] = a
			kept = append(kept, a.Artifact)
		case before.vendor != a.vendor:
			return nil, fmt.Errorf("%s of %s and %s of %s would both become %s: select one release at a time",
				before.vendor, before.Release, a.vendor, a.Release, a.Target)
		}
	}
	return kept, nil
}

func names(releases []*Release) string {
	words := make([]string, len(releases))
	for i, r := range releases {
		words[i] = r.Name
	}
	return strings.Join(words, " or ")
}

// Taken is where the selection takes something from, as an artifact that has nothing else.
func (s Selection) Taken(product *Product, role Role, l Location) Artifact {
	from, chartURL := s.source(l)
	return Artifact{Product: product.Name, Role: role, Source: from, ChartURL: chartURL}
}
