package install

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// recorded is what helm has recorded of a release; the zero value is nothing.
type recorded struct {
	// last is the newest revision; nil where there is none.
	last *helm.Revision
	// history are all revisions, the newest first, and objects those of all of them.
	history []*helm.Revision
	objects []chart.Object
	// unseen is as helm.Releases.Unseen says.
	unseen error
}

// readRecords reads all revisions of a release.
func readRecords(ctx context.Context, c *cluster.Cluster, owner cluster.Owner) (recorded, error) {
	var all recorded
	releases, err := helm.Open(ctx, c, owner.Namespace, nil)
	if err != nil {
		return all, err
	}
	history, err := releases.History(owner.Release)
	if err != nil {
		return all, err
	}
	all.unseen = releases.Unseen()
	slices.SortFunc(history, func(a, b *helm.Revision) int { return b.Number - a.Number })
	for _, revision := range history {
		rendering, err := revision.Rendering()
		if err != nil {
			return all, err
		}
		all.objects = append(all.objects, rendering.Objects...)
	}
	if all.history = history; len(history) > 0 {
		all.last = history[0]
	}
	return all, nil
}

// running is the revision that is deployed, else the newest one; nil where there is no release.
func (r recorded) running() *helm.Revision {
	if r.last.Gone() {
		return nil
	}
	for _, revision := range r.history {
		if revision.Status == helm.Deployed {
			return revision
		}
	}
	return r.last
}

// has tells whether any revision has an object; namespace is that of objects which name none.
func (r recorded) has(object chart.Object, namespace string) bool {
	return slices.ContainsFunc(r.objects, func(known chart.Object) bool {
		return known.GroupVersionKind().GroupKind() == object.GroupVersionKind().GroupKind() && known.GetName() == object.GetName() &&
			cluster.NamespaceOf(known, namespace) == cluster.NamespaceOf(object, namespace)
	})
}

// defined are the kinds that the release has ever defined, with those of objects that it is
// about to.
func (r recorded) defined(objects []chart.Object) []schema.GroupKind {
	return append(cluster.Defined(objects), cluster.Defined(r.objects)...)
}

// kinds are those that the release has ever defined or looked after, with those of objects that it is about to
// bring.
func (r recorded) kinds(ctx context.Context, c *cluster.Cluster, objects []chart.Object) ([]schema.GroupKind, error) {
	managed, err := c.Managed(ctx, slices.Concat(objects, r.objects))
	return append(r.defined(objects), managed...), err
}
