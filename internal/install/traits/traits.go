// Package traits is what a catalogue says of a product in a cluster: which kinds are its databases, which objects
// name its images, its pull secret's usual name, and how to see whether it works. It asks no cluster.
package traits

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// DefaultPullSecret is the pull secret's name where neither the user nor the product says one.
const DefaultPullSecret = "regsecret"

// PullSecret is the usual name of a product's pull secret.
func PullSecret(product *versions.Product) string {
	return cmp.Or(product.Cluster.PullSecret, DefaultPullSecret)
}

// Databases are the kinds of a product's databases; none where every custom resource has to be
// taken for one.
func Databases(product *versions.Product) []schema.GroupKind {
	return groupKinds(product.Cluster.Databases)
}

func groupKinds(kinds []versions.Kind) []schema.GroupKind {
	var all []schema.GroupKind
	for _, kind := range kinds {
		all = append(all, schema.GroupKind{Group: kind.Group, Kind: kind.Kind})
	}
	return all
}

// DatabasesIn are the kinds of databases of a release: the product's, and all that the release
// defines or looks after where the product knows nothing of them.
func DatabasesIn(product *versions.Product, release string, kinds []schema.GroupKind) []schema.GroupKind {
	if Knows(product, release, kinds) {
		return Databases(product)
	}
	return append(Databases(product), kinds...)
}

// Knows tells whether a product says which kinds of a release, that defines or looks after some, are
// databases. A release of kinds among which are none of the product's databases may well be
// another product's, unless it is one that the product's other charts are installed as.
func Knows(product *versions.Product, release string, kinds []schema.GroupKind) bool {
	known := Databases(product)
	if len(known) == 0 {
		return false
	}
	own := func(kind schema.GroupKind) bool { return slices.Contains(known, kind) }
	return len(kinds) == 0 || slices.ContainsFunc(kinds, own) || slices.Contains(product.HelmReleasesBeside(), release)
}

// Prerequisites are all products of a catalogue that tell how to see whether they work.
func Prerequisites(catalogue *versions.Catalogue) []cluster.Prerequisite {
	var all []cluster.Prerequisite
	for _, product := range catalogue.Products() {
		if product.Cluster.Probe != nil {
			probe := &unstructured.Unstructured{Object: product.Cluster.Probe}
			all = append(all, cluster.Prerequisite{Product: product.Name, Title: product.Title, Probe: probe.DeepCopy()})
		}
	}
	return all
}

// Catalogs are the kinds whose objects list several images.
func Catalogs(offers []versions.Kind) []schema.GroupKind {
	return groupKinds(slices.DeleteFunc(slices.Clone(offers), func(k versions.Kind) bool { return !k.IsList() }))
}
