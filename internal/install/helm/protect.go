package helm

import (
	"context"
	"errors"
	"fmt"

	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// protect marks everything that lasts in any revision of a release for helm to let it be: in the
// records, which an uninstall and a rollback go by, and in the cluster, which an upgrade looks
// at. Our own guard does not need the marks; helm does, when it is used without us. Unseen passes over what
// cannot be looked at in the cluster: an uninstall goes by the records.
func (r *Releases) protect(ctx context.Context, owner cluster.Owner, databases []schema.GroupKind, unseen bool) error {
	history, err := r.config.Releases.History(owner.Release)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil
	}
	if err != nil {
		return cluster.Explain(fmt.Errorf("reading helm release %s: %w", owner.Release, err))
	}
	seen := map[string]bool{}
	for _, release := range history {
		lasting, err := r.protectRecord(release, databases)
		if err != nil {
			return fmt.Errorf("protecting what lasts in helm release %s, revision %d: %w", release.Name, release.Version, err)
		}
		for _, object := range lasting {
			if key := object.GroupVersionKind().Group + " " + object.Title(); !seen[key] {
				seen[key] = true
				if err := r.keepLive(ctx, object, owner); err != nil && !unseen {
					return err
				}
			}
		}
	}
	return nil
}

// Marked names what a run has marked for helm to let it be, in the cluster and in helm's records of revisions
// before it, "the record of revision 2".
func (r *Releases) Marked() []string { return r.marked }

func (r *Releases) keepLive(ctx context.Context, object *chart.Object, owner cluster.Owner) error {
	marked, err := r.cluster.KeepLive(ctx, &object.Unstructured, owner)
	if marked && err == nil {
		r.marked = append(r.marked, object.Title())
	}
	return err
}

// protectRecord marks what lasts in one revision's manifest, and returns it.
func (r *Releases) protectRecord(release *helmrelease.Release, databases []schema.GroupKind) ([]*chart.Object, error) {
	rendering, err := chart.ParseManifest(release.Manifest)
	if err != nil {
		return nil, err
	}
	lasting, marked, err := keepLasting(rendering, databases)
	if err != nil || !marked {
		return lasting, err
	}
	release.Manifest = rendering.Manifest()
	if err := r.config.Releases.Update(release); err != nil {
		return lasting, cluster.Explain(err)
	}
	r.marked = append(r.marked, fmt.Sprintf("the record of revision %d", release.Version))
	return lasting, nil
}
