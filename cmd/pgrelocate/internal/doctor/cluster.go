package doctor

import (
	"context"
	"errors"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/finding"
	inside "github.com/pgrelocate/pgrelocate/internal/install/checkup"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// cluster looks at the cluster, where a kubeconfig names one.
func (e *examination) cluster(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	reached, err := reaching.Connect(ctx, e.Session, e.Destination)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return e.noCluster(err)
	}
	catalogue, err := e.Catalogue()
	if err != nil {
		return err
	}
	names, err := e.Selection().Requires(catalogue)
	if err != nil {
		return relocate.Unknown(err)
	}
	required := slices.DeleteFunc(traits.Prerequisites(catalogue), func(p cluster.Prerequisite) bool {
		return !slices.Contains(names, p.Product)
	})
	opts := inside.Options{
		Cluster: reached, Namespace: e.Destination.Namespace, Owner: cluster.Owner{Namespace: e.Destination.Namespace, Release: e.Destination.HelmRelease},
		Namespaces: e.Namespaces, Databases: traits.Databases(e.product), Requires: required,
		PullSecret: e.Destination.PullSecret, Images: e.platforms, Timeout: e.Timeout,
	}
	if target := e.Config.Registry; !target.IsZero() && len(e.artifacts) > 0 {
		opts.Host = target.Host
		opts.Try = func(ctx context.Context, login pullsecret.Credentials) error {
			return e.accepts(ctx, login)
		}
		opts.Anonymous = e.anonymous
	}
	var found []finding.Finding
	found, err = inside.Run(ctx, opts)
	for _, f := range found {
		e.inside = append(e.inside, e.entry(Cluster, reached.Host(), "", f))
	}
	return err
}

// accepts tells whether the private registry accepts a login that the cluster holds: it is tried on
// an artifact, which need not be there.
func (e *examination) accepts(ctx context.Context, login pullsecret.Credentials) error {
	at := e.artifacts[0].Target
	client, err := e.Clients.As(ctx, at.Host, login)
	if err != nil {
		return err
	}
	if _, err = client.Resolve(ctx, at.Repository, at.Tag); errors.Is(err, registry.ErrNotFound) {
		return nil
	}
	return err
}

// anonymous tells whether the private registry gives an artifact to whoever asks without a login. One that it
// has not, or does not show, tells nothing.
func (e *examination) anonymous(ctx context.Context) (gives, known bool) {
	at := e.artifacts[0].Target
	client, err := e.Clients.As(ctx, at.Host, pullsecret.Credentials{})
	if err != nil {
		return false, false
	}
	_, err = client.Resolve(ctx, at.Repository, at.Tag)
	return err == nil, err == nil || errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden)
}
