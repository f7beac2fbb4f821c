package install

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// ReferringKinds are the kinds whose objects refer to images of any product of a catalogue, for a
// cluster may have several: databases, and what users pick images from.
func ReferringKinds(catalogue *versions.Catalogue) []schema.GroupKind {
	var kinds []schema.GroupKind
	for _, product := range catalogue.Products() {
		kinds = append(kinds, DatabasesOf(product)...)
		for _, offer := range product.Cluster.Offers {
			kinds = append(kinds, schema.GroupKind{Group: offer.Group, Kind: offer.Kind})
		}
	}
	return kinds
}
