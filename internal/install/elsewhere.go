package install

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// ofOthers are those of the kinds that roles of the release only mention with everything else in their group, and
// that another release looks after: one that has brought their CRDs, and runs something which may write them. What
// cannot be looked at is nobody else's.
func (r *removal) ofOthers(ctx context.Context) []schema.GroupKind {
	named, wide, err := r.Cluster.Ruled(ctx, r.recorded.objects)
	if err != nil || len(wide) == 0 {
		return nil
	}
	definers, err := r.Cluster.Definers(ctx)
	if err != nil {
		return nil
	}
	own := append(named, r.recorded.defined(nil)...)
	lookedAfter := map[cluster.Owner][]schema.GroupKind{}
	var theirs []schema.GroupKind
	for _, kind := range wide {
		owner, defined := definers[kind]
		if !defined || owner == r.owner || slices.Contains(own, kind) {
			continue
		}
		if _, asked := lookedAfter[owner]; !asked {
			lookedAfter[owner] = r.lookedAfterBy(ctx, owner)
		}
		if slices.Contains(lookedAfter[owner], kind) {
			theirs = append(theirs, kind)
		}
	}
	return theirs
}

// lookedAfterBy are the kinds that a release looks after, and has something to do that with; none where it does
// not run, or cannot be looked at, or is of the same chart: of two such operators each may look after namespaces of
// its own.
func (r *removal) lookedAfterBy(ctx context.Context, owner cluster.Owner) []schema.GroupKind {
	releases, err := helm.Open(ctx, r.Cluster, owner.Namespace, nil)
	if err != nil {
		return nil
	}
	last, err := releases.Last(owner.Release)
	if err != nil || last.Gone() || chartName(last) == chartName(r.recorded.last) {
		return nil
	}
	rendering, err := last.Rendering()
	if err != nil || !slices.ContainsFunc(rendering.Objects, isWorkload) {
		return nil
	}
	kinds, err := r.Cluster.Managed(ctx, rendering.Objects)
	if err != nil {
		return nil
	}
	return kinds
}

// chartName is the name of the chart that a revision is of.
func chartName(revision *helm.Revision) string {
	name, _, _ := strings.Cut(revision.Chart, " ")
	return name
}

// isWorkload tells whether an object makes pods that last.
func isWorkload(object chart.Object) bool {
	kind := object.GroupVersionKind().GroupKind()
	return !object.Hook && kind.Group == "apps" && slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet"}, kind.Kind)
}
