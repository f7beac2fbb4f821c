package versions

import (
	"maps"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// DefaultProduct is the product of a selection that names none.
const DefaultProduct = "tanzu"

// Catalogue is the products that are known. It is not changed after it was loaded, and
// safe for concurrent use; the zero value knows none.
type Catalogue struct {
	products []*Product // by name
}

// With is a catalogue with one more product, in the place of one of the same name. The receiver
// stays as it is.
func (c *Catalogue) With(p *Product) *Catalogue {
	products := slices.DeleteFunc(slices.Clone(c.products), func(known *Product) bool { return known.Name == p.Name })
	products = append(products, p)
	slices.SortFunc(products, func(a, b *Product) int { return strings.Compare(a.Name, b.Name) })
	return &Catalogue{products: products}
}

// Products returns all products, by name.
func (c *Catalogue) Products() []*Product { return slices.Clone(c.products) }

// Product finds a product; the empty name is DefaultProduct. The error is an
// *UnknownError.
func (c *Catalogue) Product(name string) (*Product, error) {
	if name == "" {
		name = DefaultProduct
	}
	names := make([]string, len(c.products))
	for i, p := range c.products {
		if p.Name == name {
			return p, nil
		}
		names[i] = p.Name
	}
	return nil, suggest.Unknown(name, "a product of the catalogue", names)
}

// Product is something that can be relocated: a database operator, or what one needs. It and its
// releases are not to be changed.
type Product struct {
	// Name is what users type, "tanzu"; Title is what they read.
	Name  string
	Title string
	// Notice is what users are told whenever they relocate it; it may be empty.
	Notice string
	// Target is the folder in the private registry where people put it,
	// "tanzu-sql-postgres".
	Target string
	// Releases are the known ones, newest first; at least one.
	Releases []*Release
	// Cluster is what is known of it in a cluster.
	Cluster Cluster
	// Accept are places in its manifests that may name what is not relocated.
	Accept []Accept

	// Spec is what its catalogue files say of it. It is not to be changed.
	Spec schema.Merged
}

// File is the product as a catalogue file that makes the same product.
func (p *Product) File() ([]byte, error) { return p.Spec.File() }

// Registries are the names that the catalogue gives to the registries of the product, in their
// alphabetical order.
func (p *Product) Registries() []string { return slices.Sorted(maps.Keys(p.Spec.Registries)) }

// Newest is the newest known release, the default of every selection.
func (p *Product) Newest() *Release { return p.Releases[0] }

// Release finds a release by its name, with or without a leading v; "latest" and the
// empty name are the newest known. The error is an *UnknownError.
func (p *Product) Release(name string) (*Release, error) {
	if name == "" || name == "latest" {
		return p.Newest(), nil
	}
	names := make([]string, len(p.Releases))
	for i, r := range p.Releases {
		if releasename.Same(r.Name, name) {
			return r, nil
		}
		names[i] = r.Name
	}
	return nil, &suggest.UnknownError{Name: name, Where: "a known release of " + p.Name, Have: names}
}

// Editions returns all editions that any release has; it may be empty.
func (p *Product) Editions() []Edition {
	var all []Edition
	for _, r := range p.Releases {
		for _, e := range r.Editions() {
			if !slices.Contains(all, e) {
				all = append(all, e)
			}
		}
	}
	return all
}

// Extras returns the names of all images beside the instances that any release has.
func (p *Product) Extras() []string {
	var all []string
	for _, r := range p.Releases {
		for _, x := range r.Extras() {
			if !slices.Contains(all, x.Name) {
				all = append(all, x.Name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// Release is one version of a product's operator, with everything that belongs to it.
type Release struct {
	// Name is the release as the vendor writes it, "v4.3.1".
	Name string
	// Note is what a user should know about this release; it may be empty.
	Note string
	// Charts are in the catalogue's order, in which they are installed. The first is the
	// operator's. One without a tag is not known well enough to be relocated.
	Charts []Chart
	// Images are all others: families are in them image by image, the newest version first,
	// and in the catalogue's order otherwise. Where one image serves several versions, it is
	// there for each of them.
	Images []Image
}

// Chart is a Helm chart of a release.
type Chart struct {
	Location
	// Name tells the charts of a release apart, "operator".
	Name string
	// Optional says that it is taken along only where it is asked for, and with it the images that
	// its values name.
	Optional bool
	// HelmRelease is what a chart beside the operator's is installed as; empty for the operator's.
	HelmRelease string
	// Requires are the products that the chart does not work without, by name, besides those that
	// all of its product requires.
	Requires []string
	// Values are the chart's values that name the private registry, in the order in which
	// they are set.
	Values []Value
	// Objects are installed beside those of the chart.
	Objects []Object
}

// Location is where the vendor keeps an image or a chart.
type Location struct {
	// Registry is the folder, From its name in the catalogue.
	Registry ref.Folder
	From     string
	// Repository and Tag are below Registry.
	Repository string
	Tag        string
	// As is the repository below the target; the same as Repository where it is empty.
	As string
	// URL is the classic Helm repository that a chart is in: its index is at URL/index.yaml, and
	// the last element of Repository is the chart's name there. Empty for registries.
	URL string
}

// Vendor is the vendor's own name for it.
func (l Location) Vendor() ref.Reference { return l.Registry.Reference(l.Repository, l.Tag) }

// Place is its repository below the target, without a host.
func (l Location) Place() string {
	if l.As != "" {
		return l.As
	}
	return l.Repository
}

// Image is one image of a release.
type Image struct {
	Location
	// Name is what values and users call it, "operator", "ferretdb". Images of one family
	// share it.
	Name string
	Role Role
	// Version is the PostgreSQL version that it serves; zero for all that is no instance.
	Version postgres.Version
	// Axes are what it is on other axes: {"edition": "lite"}. It is not to be changed.
	Axes map[string]string
	// Called is what users name the version by in the cluster, "postgres-17.5-lite"; empty
	// where there are no such names.
	Called string
	// Optional says that it is taken along only where it is asked for.
	Optional bool
	// Beyond are the axes on which it is not what is selected where nothing is said.
	Beyond []string
}

// Edition is what the image is on that axis; empty where the release knows no editions.
func (i Image) Edition() Edition { return Edition(i.Axes[schema.EditionAxis]) }

// Chart is the operator's chart; nil where its name or tag is not known.
func (r *Release) Chart() *Chart {
	if len(r.Charts) == 0 || r.Charts[0].Tag == "" {
		return nil
	}
	return &r.Charts[0]
}

// Operator is the operator's image; nil where the product has none of its own.
func (r *Release) Operator() *Image {
	for i := range r.Images {
		if r.Images[i].Role == RoleOperator {
			return &r.Images[i]
		}
	}
	return nil
}

// Beside are the charts that are installed after the operator's, in their order.
func (r *Release) Beside() []Chart {
	if len(r.Charts) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.Charts[1:]), func(c Chart) bool { return c.Tag == "" })
}

// HelmReleasesBeside are what any release of the product installs beside the operator's chart, by
// what each is installed as, in the order in which they are installed.
func (p *Product) HelmReleasesBeside() []string {
	var all []string
	for _, r := range p.Releases {
		for _, c := range r.Beside() {
			if !slices.Contains(all, c.HelmRelease) {
				all = append(all, c.HelmRelease)
			}
		}
	}
	return all
}

// Values are those of the operator's chart.
func (r *Release) Values() []Value {
	if len(r.Charts) == 0 {
		return nil
	}
	return r.Charts[0].Values
}

// Instances are the matrix: newest version first, editions in the catalogue's order.
func (r *Release) Instances() []Image { return r.having(RoleInstance) }

// Extras are images beside the instances.
func (r *Release) Extras() []Image { return r.having(RoleExtra) }

func (r *Release) having(role Role) []Image {
	return slices.DeleteFunc(slices.Clone(r.Images), func(i Image) bool { return i.Role != role })
}

// Locations are all images of the release, its charts among them, each once.
func (r *Release) Locations() []Location {
	var all []Location
	known := map[Location]bool{}
	add := func(l Location) {
		if !known[l] {
			known[l] = true
			all = append(all, l)
		}
	}
	for _, c := range r.Charts {
		if c.Tag != "" {
			add(c.Location)
		}
	}
	for _, i := range r.Images {
		add(i.Location)
	}
	return all
}

// Versions returns the release's PostgreSQL versions, newest first.
func (r *Release) Versions() []postgres.Version { return versionsOf(r.Instances()) }

// Editions returns the release's editions in the catalogue's order; none where it knows
// no editions.
func (r *Release) Editions() []Edition {
	var all []Edition
	for _, word := range r.Axis(schema.EditionAxis) {
		all = append(all, Edition(word))
	}
	return all
}

// Axis returns what the release's images are on an axis, in the catalogue's order.
func (r *Release) Axis(name string) []string {
	var all []string
	for _, i := range r.Images {
		if word := i.Axes[name]; word != "" && !slices.Contains(all, word) {
			all = append(all, word)
		}
	}
	return all
}

func versionsOf(images []Image) []postgres.Version {
	all := make([]postgres.Version, len(images))
	for i, image := range images {
		all[i] = image.Version
	}
	slices.SortFunc(all, postgres.NewestFirst)
	return slices.Compact(all)
}
