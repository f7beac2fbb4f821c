// Package reaching says which cluster a use case is about, and where in it, reaches it, and looks at what it
// refers to.
package reaching

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Destination says which cluster, and where in it.
type Destination struct {
	// Kubeconfig and Context name the cluster; as kubectl finds it where they are empty.
	Kubeconfig, Context string
	// Namespace and HelmRelease are where the operator is; where they are empty, where the
	// product usually is.
	Namespace, HelmRelease string
	// PullSecret is the name of the pull secrets.
	PullSecret string
}

// Of is the destination with what the product says where nothing was said.
func (p Destination) Of(product *versions.Product) Destination {
	p.Namespace = cmp.Or(p.Namespace, product.Cluster.Namespace)
	p.HelmRelease = cmp.Or(p.HelmRelease, product.Cluster.HelmRelease)
	p.PullSecret = cmp.Or(p.PullSecret, traits.PullSecret(product))
	return p
}

// Connect reaches the cluster.
func Connect(ctx context.Context, s *relocate.Session, place Destination) (*cluster.Cluster, error) {
	if err := mayReach(s, place); err != nil {
		return nil, err
	}
	if place.Kubeconfig != "" { // a device has no end
		if err := files.CheckFile(place.Kubeconfig); err != nil {
			return nil, exit.Misnamed(fmt.Errorf("the kubeconfig: %w", err))
		}
	}
	s.AnnounceCluster()
	found, err := cluster.Connect(ctx, cluster.Access{
		Kubeconfig: place.Kubeconfig, Context: place.Context, UserAgent: s.Options.UserAgent,
	})
	if err == nil {
		s.Detail("cluster %s, kubernetes %s", found.Host(), found.Version())
	}
	if errors.Is(err, cluster.ErrKubeconfig) || errors.Is(err, cluster.ErrNoKubeconfig) {
		return nil, &exit.UsageError{Err: err}
	}
	return found, exit.Misnamed(err)
}

// mayReach refuses a kubeconfig that only such a file names: it can have programs run, as plugins for
// credentials, and chooses where pull secrets go.
func mayReach(s *relocate.Session, place Destination) error {
	if slices.Contains(s.Options.FromFolder, "kubeconfig") && place.Kubeconfig == s.Config.Kubeconfig {
		return &exit.UsageError{Err: &relocate.StrangerError{Setting: "kubeconfig"}}
	}
	return nil
}
