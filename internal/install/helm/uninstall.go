package helm

import (
	"context"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Removal is a release that is to be removed.
type Removal struct {
	Name string
	// Databases are kinds of which nothing is deleted, besides those of cluster.Lasts.
	Databases []schema.GroupKind
	// Unseen says that there may be databases that cannot be seen.
	Unseen bool
	// Timeout bounds the waiting.
	Timeout time.Duration
}

// Uninstall removes what a release consists of, but for what lasts, and waits until it is gone.
// The record stays, in state Uninstalled, until Forget: whatever else belongs to the release can
// be removed in between, and a run that is cut short is carried on by the next one. The release
// has to be there.
//
// While there are databases, or may be, the chart's hooks for uninstalling are not run: what they
// delete is theirs to know, and many a chart's delete its kinds. They are returned as skipped.
func (r *Releases) Uninstall(ctx context.Context, removal Removal) (skipped []string, err error) {
	last, err := r.Last(removal.Name)
	if err != nil || last.Gone() {
		return nil, err
	}
	owner := cluster.Owner{Namespace: r.namespace, Release: removal.Name}
	if err := r.protect(ctx, owner, removal.Databases, removal.Unseen); err != nil {
		return nil, err
	}
	r.client.guard.owner, r.client.guard.databases = owner, removal.Databases
	uninstall := action.NewUninstall(r.config)
	uninstall.Timeout, uninstall.Wait, uninstall.KeepHistory = removal.Timeout, true, true
	if uninstall.DisableHooks = removal.Unseen || r.inUse(ctx, removal.Databases); uninstall.DisableHooks {
		skipped = last.deletion
	}
	return skipped, r.uninstall(ctx, uninstall, removal.Name)
}

// inUse tells whether there is any database, as far as that is known: what cannot be looked at may
// be there.
func (r *Releases) inUse(ctx context.Context, databases []schema.GroupKind) bool {
	found, err := r.cluster.Instances(ctx, databases...)
	return err != nil || len(found) > 0
}

// Forget removes the records of a release that was uninstalled.
func (r *Releases) Forget(ctx context.Context, name string) error {
	return r.uninstall(ctx, action.NewUninstall(r.config), name)
}

func (r *Releases) uninstall(ctx context.Context, uninstall *action.Uninstall, name string) error {
	_, err := watched(ctx, func() (*helmrelease.Release, error) {
		response, err := uninstall.Run(name)
		if response == nil {
			return nil, r.client.whyUndeleted(err)
		}
		return response.Release, r.client.whyUndeleted(err)
	}, graceAfterCancel)
	return explain(r.client.ofHooks(err))
}
