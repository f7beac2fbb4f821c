package verify

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Options steer Run. Cluster, Dial, HelmRelease, Namespace and PullSecret are needed.
type Options struct {
	Cluster                            *cluster.Cluster
	Dial                               Dial
	HelmRelease, Namespace, PullSecret string
	// Offers are the kinds whose objects are what users pick images from, and Databases those of
	// databases; none for products without.
	Offers    []versions.Kind
	Databases []schema.GroupKind
	// Namespaces need the pull secret besides those that have databases or have it already.
	Namespaces []string
	// Hosts are the registries that images may come from; none means those that the
	// release names.
	Hosts []string
	// Origin is where the product comes from, by which short names of its images are known.
	Origin naming.Origin
	// Accept are the places in the release that may name images from elsewhere, besides those
	// that were accepted when it was installed.
	Accept []naming.Accept
	// Deep asks for every blob of every image.
	Deep bool
	// Pull lets the nodes pull every image.
	Pull bool
	// NoWorkloads leaves out whether the workloads are ready.
	NoWorkloads bool
}

// verification is one Run under way.
type verification struct {
	Options
	manifest *chart.Rendering
	offered  []offered
	asker    *asker
	check    Check
}

// Run holds a cluster against its release. What is wrong is in the Check; the error is for
// what could not be found out, and is ErrNotInstalled where there is no such release.
func Run(ctx context.Context, opts Options) (*Check, error) {
	v := &verification{Options: opts}
	for _, do := range []func(context.Context) error{
		v.readRelease, v.checkWorkloads, v.readVersions, v.checkImages, v.checkNamespaces, v.pullOnNodes,
	} {
		if err := do(ctx); err != nil {
			return nil, err
		}
	}
	return &v.check, nil
}

func (v *verification) readRelease(ctx context.Context) error {
	releases, err := helm.Open(ctx, v.Cluster, v.Namespace, nil)
	if err != nil {
		return err
	}
	release, err := releases.Last(v.HelmRelease)
	if err != nil {
		return err
	}
	if release.Gone() {
		return fmt.Errorf("there is no helm release %s in namespace %s, %s: %w", v.HelmRelease, v.Namespace, helm.Looked(releases.Unseen()), ErrNotInstalled)
	}
	v.Accept = slices.Concat(v.Accept, release.Accepted)
	if v.manifest, err = release.Rendering(); err != nil {
		return err
	}
	v.check = Check{
		HelmRelease: v.HelmRelease, Namespace: v.Namespace,
		Revision: release.Number, Status: release.Status, Chart: release.Chart,
	}
	v.asker = newAsker(v.Cluster, v.Dial, v.Namespace, v.PullSecret, v.Deep)
	return nil
}
