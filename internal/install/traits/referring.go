package traits

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Referring are the kinds whose objects refer to images of any product of a catalogue, for a
// cluster may have several: databases, catalogs and settings of operators. Choices stand for one image
// each, and databases name them to pick it. Where nobody knows a product's databases, nobody knows
// what they have picked, and its choices count as referring.
func Referring(catalogue *versions.Catalogue) (referring, choices []schema.GroupKind) {
	for _, product := range catalogue.Products() {
		databases := Databases(product)
		referring = append(referring, databases...)
		for _, offer := range product.Cluster.Offers {
			kind := schema.GroupKind{Group: offer.Group, Kind: offer.Kind}
			if len(databases) > 0 && isChoice(product, kind) {
				choices = append(choices, kind)
			} else {
				referring = append(referring, kind)
			}
		}
	}
	return referring, choices
}

// isChoice tells whether an object of a kind names one image, as OnlyMirrored has it: lists are catalogs,
// and what names images for several purposes are settings.
func isChoice(product *versions.Product, kind schema.GroupKind) bool {
	offers := slices.DeleteFunc(slices.Clone(product.Cluster.Offers), func(o versions.Kind) bool { return o.Group != kind.Group || o.Kind != kind.Kind })
	return len(offers) == 1 && !offers[0].IsList()
}
