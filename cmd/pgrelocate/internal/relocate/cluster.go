package relocate

import (
	"cmp"
	"context"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Place says which cluster, and where in it.
type Place struct {
	// Kubeconfig and Context name the cluster; as kubectl finds it where they are empty.
	Kubeconfig, Context string
	// Namespace and HelmRelease are where the operator is; where they are empty, where the
	// product usually is.
	Namespace, HelmRelease string
	// PullSecret is the name of the pull secrets.
	PullSecret string
}

// of is the place with what the product says where nothing was said.
func (p Place) of(product *versions.Product) Place {
	p.Namespace = cmp.Or(p.Namespace, product.Cluster.Namespace)
	p.HelmRelease = cmp.Or(p.HelmRelease, product.Cluster.HelmRelease)
	p.PullSecret = cmp.Or(p.PullSecret, install.PullSecretOf(product))
	return p
}

// Connect reaches the cluster.
func (s *Session) Connect(ctx context.Context, place Place) (*cluster.Cluster, error) {
	if err := s.mayReach(place); err != nil {
		return nil, err
	}
	s.announceCluster()
	found, err := cluster.Connect(ctx, cluster.Access{
		Kubeconfig: place.Kubeconfig, Context: place.Context, UserAgent: s.opts.UserAgent,
	})
	if err == nil {
		s.detail("cluster %s, kubernetes %s", found.Host(), found.Version())
	}
	return found, exit.Misnamed(err)
}

// dialAs is dial that knows where one login comes from.
func (s *Session) dialAs(ctx context.Context, known pullLogin) verify.Dial {
	dial := s.dial(ctx)
	return func(host string, login credentials.Login) (verify.Puller, error) {
		opened, err := dial(host, login)
		if err != nil || login != known.Login {
			return opened, err
		}
		return &puller{opened, known}, nil
	}
}

// dial returns what opens the private registry with a login that goes into the cluster, or is in it.
func (s *Session) dial(ctx context.Context) verify.Dial {
	return func(host string, login credentials.Login) (verify.Puller, error) {
		return s.Clients.As(ctx, host, login)
	}
}
