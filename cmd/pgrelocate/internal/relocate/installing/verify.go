package installing

import (
	"context"
	"errors"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/inventory"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/pulling"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// VerifyOptions are what verifying takes besides the settings.
type VerifyOptions struct {
	Destination reaching.Destination
	// Bundle is held against the private registry too, where it is given.
	Bundle relocate.BundleFile
	// Namespaces need the pull secret besides those that have databases.
	Namespaces []string
	// Accept are the places in the release that may name images from elsewhere.
	Accept []naming.Accept
	// Deep and Pull are as in verify.Options.
	Deep, Pull bool
	// NoCluster verifies the private registry alone.
	NoCluster bool
}

// Verified is what was found.
type Verified struct {
	// Mirror is what the private registry holds where that alone was asked; nil otherwise, and
	// then the rest is about a cluster.
	Mirror *inventory.Matrix

	*verify.Check
	// Differs is what the private registry does not hold of the bundle; nil where there is
	// none, or it holds all.
	Differs *inventory.DiffersError
	// Traffic is what went over the wire to the private registry.
	Traffic registry.Counts
}

// Verify holds a cluster, and where a bundle is given the private registry too, against what
// should be there. What is wrong is in the result; the error is for what could not be found
// out. Where both are, the registry differs and the cluster could not be checked. Where there
// is no cluster, or none is wanted, it is VerifyMirror.
func Verify(ctx context.Context, s *relocate.Session, opts VerifyOptions) (*Verified, error) {
	v := &verifying{Session: s, VerifyOptions: opts}
	defer func() { v.verified.Traffic = s.Clients.ToTarget.Counts() }()
	err := relocate.Run(ctx,
		v.chooseProduct,
		v.connect, // the cluster
	)
	if err == nil && v.cluster == nil {
		v.verified.Mirror, err = inventory.VerifyMirror(ctx, s, opts.Bundle)
		return &v.verified, err
	}
	if err == nil {
		err = relocate.Run(ctx,
			v.lookInBundle, // the registry holds what the bundle does
			v.check,        // the release, its images, the namespaces
		)
	}
	return &v.verified, err
}

// verifying is a verification that is under way.
type verifying struct {
	*relocate.Session
	VerifyOptions
	product  *versions.Product
	cluster  *cluster.Cluster
	verified Verified
}

func (v *verifying) chooseProduct(context.Context) (err error) {
	if v.product, err = v.Product(); err == nil {
		v.Destination = v.Destination.Of(v.product)
	}
	return err
}

// connect leaves the cluster nil where a registry is named, and nothing names a cluster.
func (v *verifying) connect(ctx context.Context) (err error) {
	if v.NoCluster {
		return nil
	}
	v.cluster, err = reaching.Connect(ctx, v.Session, v.Destination)
	if errors.Is(err, cluster.ErrNoKubeconfig) && !v.Config.Registry.IsZero() {
		v.Warn("there is no kubeconfig: the registry alone is checked, and no cluster")
		return nil
	}
	return err
}

// lookInBundle goes on where something differs: the cluster may be well all the same.
func (v *verifying) lookInBundle(ctx context.Context) error {
	if !v.Bundle.Given() {
		return nil
	}
	b, err := v.OpenBundle(ctx, v.Bundle)
	if err != nil {
		return err
	}
	defer b.Close()
	if err = inventory.Agree(ctx, v.Session, b); errors.As(err, &v.verified.Differs) {
		return nil
	}
	return err
}

func (v *verifying) check(ctx context.Context) (err error) {
	opts := verify.Options{
		Cluster: v.cluster, Dial: pulling.Dial(ctx, v.Session), Offers: v.product.Cluster.Offers, Databases: traits.Databases(v.product),
		HelmRelease: v.Destination.HelmRelease, Namespace: v.Destination.Namespace, PullSecret: v.Destination.PullSecret,
		Namespaces: v.Namespaces, Deep: v.Deep, Pull: v.Pull,
		Origin: naming.OriginOf(nil, v.product.Releases...), Accept: v.Accept,
	}
	if !v.Config.Registry.IsZero() {
		opts.Hosts = []string{v.Config.Registry.Host}
	}
	if v.verified.Check, err = verify.Run(ctx, opts); err != nil {
		return err
	}
	return v.verifyOthers(ctx, opts)
}
