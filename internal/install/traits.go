package install

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Traits are what installing has to know of a product beyond its catalogue. The zero
// value is a product of which nothing special is known.
type Traits struct {
	// Namespace and HelmRelease are the defaults of the flags.
	Namespace, HelmRelease string
	// Version is the kind whose objects are the versions that a user can pick, each with
	// its image in spec.instanceImage; empty for products without one.
	Version schema.GroupKind
	// Instance is the kind of a database; empty where every custom resource has to be taken for
	// one.
	Instance schema.GroupKind
	// NeedsCertManager says that the operator does not work without cert-manager.
	NeedsCertManager bool
}

// The pull secret's name where the user chooses none, as the vendor's own instructions have it.
const DefaultPullSecret = "regsecret"

// TraitsOf returns what is known of a product.
func TraitsOf(product *versions.Product) Traits {
	if product.Name == "tanzu" {
		const group = "sql.tanzu.vmware.com"
		return Traits{
			Namespace: "postgres-system", HelmRelease: "postgres-operator",
			Version:          schema.GroupKind{Group: group, Kind: "PostgresVersion"},
			Instance:         schema.GroupKind{Group: group, Kind: "Postgres"},
			NeedsCertManager: true,
		}
	}
	return Traits{Namespace: product.Name + "-system", HelmRelease: product.Name}
}

// databases are the kinds of databases: the product's, or else all that the release defines.
func (t Traits) databases(defined []schema.GroupKind) []schema.GroupKind {
	if !t.Instance.Empty() {
		return []schema.GroupKind{t.Instance}
	}
	return defined
}
