package lab

import (
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// PullSecret is the name of the pull secret everywhere.
const PullSecret = "regsecret"

// Relocated is a stand-in for v4.3.1 in a private registry.
type Relocated struct {
	Registry  *registrytest.Registry
	Product   *versions.Product
	Release   *versions.Release
	Artifacts []versions.Artifact
	Target    ref.Folder
}

// Relocate puts a stand-in into a registry, but for what skip says; a nil skip leaves
// nothing out.
func Relocate(t *testing.T, into *registrytest.Registry, opts standin.Options, skip func(versions.Artifact) bool) *Relocated {
	t.Helper()
	r := At(t, into)
	vendor := registrytest.InProcess(t, registrytest.Options{})
	release, err := standin.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	written, err := release.Push(t.Context(), ref.Folder{Host: vendor.Host})
	if err != nil {
		t.Fatal(err)
	}
	for i, artifact := range r.selected(t, opts.Versions) {
		if skip == nil || !skip(artifact) {
			r.copy(t, written[i].Source, artifact.Target)
		}
	}
	return r
}

// At is a stand-in that a registry holds already, or is to hold.
func At(t *testing.T, registry *registrytest.Registry) *Relocated {
	t.Helper()
	r := &Relocated{Registry: registry, Target: ref.Folder{Host: registry.Host, Path: "tanzu-sql-postgres"}}
	var err error
	if r.Product, err = catalogue.Builtin().Product("tanzu"); err != nil {
		t.Fatal(err)
	}
	if r.Release, err = r.Product.Release("v4.3.1"); err != nil {
		t.Fatal(err)
	}
	// The chart offers all versions, whatever is relocated.
	r.Artifacts = r.selected(t, postgres.Expression{})
	return r
}

func (r *Relocated) selected(t *testing.T, only postgres.Expression) []versions.Artifact {
	t.Helper()
	selection := versions.Selection{Releases: []string{r.Release.Name}, Versions: only, Target: r.Target}
	artifacts, err := versions.Select(catalogue.Builtin(), selection)
	if err != nil {
		t.Fatal(err)
	}
	return artifacts
}

func (r *Relocated) copy(t *testing.T, from, to ref.Reference) {
	t.Helper()
	source, err := name.ParseReference(from.String())
	if err != nil {
		t.Fatal(err)
	}
	image, err := ggcr.Image(source)
	if err != nil {
		t.Fatal(err)
	}
	r.Registry.Push(t, to.Repository+":"+to.Tag, image)
}

// Dial opens the private registry, whose certificate authority it knows.
func (r *Relocated) Dial(host string, login pullsecret.Credentials) (verify.Puller, error) {
	return remote.New(host, remote.Options{
		Side: registry.SideTarget, Keychain: keychain{login}, CertsDirs: []string{}, CAFile: r.Registry.CAFile,
		RetryTimeout: 5 * time.Second,
	})
}

type keychain struct{ login pullsecret.Credentials }

// Resolve implements authn.Keychain.
func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return k.login.Authenticator(), nil
}

// Credentials are those of an account.
func Credentials(account registrytest.Account) pullsecret.Credentials {
	return pullsecret.Credentials{Username: account.Username, Password: account.Password}
}

// Subject is the release, to be installed into a namespace.
func (r *Relocated) Subject(namespace string) preparation.Subject {
	return preparation.Subject{
		Product: r.Product, Release: r.Release, Artifacts: r.Artifacts, Target: r.Target, Offers: r.Product.Cluster.Offers, Prerequisites: traits.Prerequisites(catalogue.Builtin()),
		PullSecret: PullSecret, HelmRelease: "postgres-operator", Namespace: namespace,
	}
}

// Verification verifies what was installed there.
func (r *Relocated) Verification(c *cluster.Cluster, namespace string) verify.Options {
	return verify.Options{
		Cluster: c, Dial: r.Dial, Offers: r.Product.Cluster.Offers, Databases: traits.Databases(r.Product),
		HelmRelease: "postgres-operator", Namespace: namespace, PullSecret: PullSecret,
	}
}
