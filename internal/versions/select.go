package versions

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
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
	Versions Expression
	// Editions are the wanted ones; none is all. Releases that know no editions have one
	// image for whatever is wanted.
	Editions []Edition
	// Extras are the wanted images beside the instances, or "all", or "none"; nil is all.
	Extras []string
	// Source takes the place of the vendor's own registry and folder; zero keeps those.
	Source ref.Folder
	// Target is the private registry. Without a path the product's own target is the
	// path. Where it is zero, targets have a repository and a tag, but no host.
	Target ref.Folder
}

// Select returns the artifacts of a selection in the order of a plan: release by
// release, newest first, and in each the chart, the operator, the instances, newest
// first, and the extras. An artifact that two releases share is there once. Selecting
// what does not exist is an *UnknownError. A name that no registry takes is an error too.
func Select(c *Catalogue, s Selection) ([]Artifact, error) {
	product, err := c.Product(s.Product)
	if err != nil {
		return nil, err
	}
	releases, err := product.releases(s.Releases)
	if err != nil {
		return nil, err
	}
	chosen, err := s.choose(product, releases)
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
	slices.SortFunc(found, func(a, b *Release) int { return compareReleases(b.Name, a.Name) })
	return slices.Compact(found), nil
}

// choose narrows releases to what is wanted of them.
func (s Selection) choose(product *Product, releases []*Release) ([]*Release, error) {
	if err := s.checkEditions(product, releases); err != nil {
		return nil, err
	}
	if err := s.checkVersions(releases); err != nil {
		return nil, err
	}
	if err := s.checkExtras(releases); err != nil {
		return nil, err
	}
	narrowed := make([]*Release, len(releases))
	for i, r := range releases {
		narrow := *r
		instances := s.inEditions(r)
		versions, _ := s.Versions.match(versionsOf(instances))
		narrow.Instances = slices.DeleteFunc(instances, func(x Instance) bool { return !slices.Contains(versions, x.Version) })
		narrow.Extras = slices.DeleteFunc(slices.Clone(r.Extras), func(x Extra) bool { return !s.wantsExtra(x.Name) })
		narrowed[i] = &narrow
	}
	return narrowed, nil
}

// inEditions returns a release's instances in the wanted editions.
func (s Selection) inEditions(r *Release) []Instance {
	return slices.DeleteFunc(slices.Clone(r.Instances), func(x Instance) bool {
		return x.Edition != "" && len(s.Editions) > 0 && !slices.Contains(s.Editions, x.Edition)
	})
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
			return unknown(string(e), "an edition of "+names(releases), editionNames(all))
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
	var available, anyEdition []Version
	for _, r := range releases {
		available = append(available, versionsOf(s.inEditions(r))...)
		anyEdition = append(anyEdition, r.Versions()...)
	}
	_, missed := s.Versions.match(available)
	if len(missed) == 0 {
		return nil
	}
	where := "in " + names(releases)
	if len(missed[0].pick(anyEdition)) > 0 {
		where += " as " + strings.Join(editionNames(s.Editions), " or ")
	}
	return missed[0].missing(available, where)
}

func (s Selection) wantsExtra(name string) bool {
	return s.Extras == nil || slices.Contains(s.Extras, name) || slices.Contains(s.Extras, allWord)
}

func (s Selection) checkExtras(releases []*Release) error {
	var have []string
	for _, r := range releases {
		for _, x := range r.Extras {
			have = append(have, x.Name)
		}
	}
	for _, name := range s.Extras {
		if name != allWord && name != noneWord && !slices.Contains(have, name) {
			return unknown(name, "an extra of "+names(releases), have)
		}
		if name == noneWord && len(s.Extras) > 1 {
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
	add := func(role Role, image Image) *Artifact {
		all = append(all, placed{vendor: image.Source(ref.Folder{}), Artifact: Artifact{
			Product: product.Name,
			Release: r.Name,
			Role:    role,
			Source:  image.Source(s.Source),
			Target:  s.target(product).Reference(image.Repository, image.Tag),
		}})
		return &all[len(all)-1].Artifact
	}
	if r.Chart != nil {
		add(RoleChart, *r.Chart)
	}
	if r.Operator != nil {
		add(RoleOperator, *r.Operator)
	}
	served := map[Image]int{}
	for _, x := range r.Instances {
		at, ok := served[x.Image]
		if !ok {
			at = len(all)
			served[x.Image] = at
			add(RoleInstance, x.Image).Edition = x.Edition
		}
		all[at].Versions = append(all[at].Versions, x.Version)
	}
	for _, x := range r.Extras {
		add(RoleExtra, x.Image).Extra = x.Name
	}
	return all
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
	var kept []Artifact
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
