package overviews

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Products is the result of `pgrelocate products`.
type Products struct {
	output.Header
	Products []productView `json:"products"`
	// width is that of the terminal; 0 is none.
	width int
}

type productView struct {
	Product string `json:"product"`
	Title   string `json:"title"`
	// Releases are all that the catalogue knows, newest first.
	Releases []string `json:"releases"`
	// Versions are the PostgreSQL versions of the newest release, newest first.
	Versions []string `json:"versions,omitempty"`
	// Axes are the words on each axis of the newest release.
	Axes map[string][]string `json:"axes,omitempty"`
	// Extras are the names for --extras of the newest release, and Optional those of them
	// that are taken along only where they are named.
	Extras   []string `json:"extras,omitempty"`
	Optional []string `json:"optional,omitempty"`
	// Target is the folder in the private registry where nothing else is said.
	Target string `json:"target"`
	// Namespace and HelmRelease are where the product usually is in a cluster.
	Namespace   string `json:"namespace"`
	HelmRelease string `json:"helmRelease"`
}

// NewProducts shows what there is to relocate.
func NewProducts(products []*versions.Product) Products {
	made := Products{Header: output.NewHeader("Products"), Products: []productView{}}
	for _, product := range products {
		made.Products = append(made.Products, newProductView(product))
	}
	return made
}

func newProductView(product *versions.Product) productView {
	newest := product.Newest()
	made := productView{
		Product: product.Name, Title: product.Title, Target: product.Target,
		Namespace: product.Cluster.Namespace, HelmRelease: product.Cluster.HelmRelease,
		Axes: map[string][]string{},
	}
	for _, release := range product.Releases {
		made.Releases = append(made.Releases, release.Name)
	}
	for _, version := range newest.Versions() {
		made.Versions = append(made.Versions, version.String())
	}
	for _, image := range newest.Images {
		for axis := range image.Axes {
			made.Axes[axis] = newest.Axis(axis)
		}
	}
	for _, image := range newest.Extras() {
		made.addExtra(image.Name, image.Optional)
	}
	for _, chart := range newest.Charts {
		if chart.Optional {
			made.addExtra(chart.Name, true)
		}
	}
	return made
}

func (v *productView) addExtra(name string, optional bool) {
	if slices.Contains(v.Extras, name) {
		return
	}
	v.Extras = append(v.Extras, name)
	if optional {
		v.Optional = append(v.Optional, name)
	}
}

// WriteTable writes a line for each.
func (v Products) WriteTable(w io.Writer) error {
	const axes, extras = 2, 3
	grid := output.NewGrid("PRODUCT", "NEWEST", "AXES", "EXTRAS", "TITLE").Fit(v.width, extras, axes)
	for _, p := range v.Products {
		grid.Row(p.Product, p.Releases[0], strings.Join(slices.Sorted(maps.Keys(p.Axes)), ","), p.extras(), p.Title)
	}
	_, err := grid.WriteTo(w)
	return err
}

// Fit implements view.Fitting.
func (v Products) Fit(width int) output.View {
	v.width = width
	return v
}

// shownExtras is how many fit into a line beside all else.
const shownExtras = 3

// extras are the first few, and how many more there are.
func (v productView) extras() string {
	var names []string
	for i, name := range v.Extras {
		if i == shownExtras {
			names = append(names, fmt.Sprintf("+%d", len(v.Extras)-i))
			break
		}
		if slices.Contains(v.Optional, name) {
			name = "(" + name + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ",")
}
