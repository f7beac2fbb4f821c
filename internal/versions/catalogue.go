package versions

import (
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// DefaultProduct is the product of a selection that names none.
const DefaultProduct = "tanzu"

// Catalogue is the products that are known. It is not changed after it was loaded, and
// safe for concurrent use; the zero value knows none.
type Catalogue struct {
	products []*Product // by name
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
	return nil, unknown(name, "a product of the catalogue", names)
}

// Product is a database operator that can be relocated.
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

	spec productSpec
}

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
		if withoutV(r.Name) == withoutV(name) {
			return r, nil
		}
		names[i] = r.Name
	}
	return nil, &UnknownError{Name: name, Where: "a known release of " + p.Name, Have: names}
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
		for _, x := range r.Extras {
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
	// Chart is nil where the chart's name or tag is not known.
	Chart *Image
	// Operator is nil where the product has no operator's image of its own.
	Operator *Image
	// Instances are the matrix: newest version first, editions in the catalogue's order.
	Instances []Instance
	// Extras are images beside the instances, by name.
	Extras []Extra
	// Values are the chart's values that name the private registry, by key.
	Values []Value
}

// Image is where the vendor keeps an image or a chart.
type Image struct {
	Registry   ref.Folder
	Repository string
	Tag        string
}

// Source is the image's reference at the vendor, or below another registry.
func (i Image) Source(override ref.Folder) ref.Reference {
	if override.IsZero() {
		override = i.Registry
	}
	return override.Reference(i.Repository, i.Tag)
}

// Instance is one cell of the matrix. Where one image serves several versions, several
// instances have the same Image.
type Instance struct {
	Image
	Version Version
	// Edition is empty where the release knows no editions.
	Edition Edition
	// Name is what users name the version by in the cluster, "postgres-17.5-lite"; empty
	// where the product has no such names.
	Name string
}

// Extra is an image beside the instances, FerretDB for example.
type Extra struct {
	Image
	Name string
}

// Images are all images of the release, its chart among them, each once.
func (r *Release) Images() []Image {
	var all []Image
	add := func(image Image) {
		if !slices.Contains(all, image) {
			all = append(all, image)
		}
	}
	for _, image := range []*Image{r.Chart, r.Operator} {
		if image != nil {
			add(*image)
		}
	}
	for _, instance := range r.Instances {
		add(instance.Image)
	}
	for _, extra := range r.Extras {
		add(extra.Image)
	}
	return all
}

// Versions returns the release's PostgreSQL versions, newest first.
func (r *Release) Versions() []Version { return versionsOf(r.Instances) }

// Editions returns the release's editions in the catalogue's order; none where it knows
// no editions.
func (r *Release) Editions() []Edition {
	var all []Edition
	for _, i := range r.Instances {
		if i.Edition != "" && !slices.Contains(all, i.Edition) {
			all = append(all, i.Edition)
		}
	}
	return all
}

func versionsOf(instances []Instance) []Version {
	all := make([]Version, len(instances))
	for i, instance := range instances {
		all[i] = instance.Version
	}
	slices.SortFunc(all, newestFirst)
	return slices.Compact(all)
}

func withoutV(release string) string { return strings.TrimPrefix(release, "v") }
