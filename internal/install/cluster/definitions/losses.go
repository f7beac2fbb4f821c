package definitions

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/difference"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Loss is what goes where a chart's CRD takes the place of the one in the cluster.
type Loss struct {
	// Name is the CRD's.
	Name string
	// Losses are what goes, as package difference words it, and Stored the versions that the chart's
	// lacks and in which objects may be stored: no API server takes such a CRD.
	Losses, Stored []string
	// Kind is the kind that it defines, and Wanted the chart's.
	Kind   schema.GroupKind
	Wanted *unstructured.Unstructured
}

// Losses compares the CRDs that a chart brings with those that are there.
func Losses(found []cluster.Found) []Loss {
	var all []Loss
	for _, each := range found {
		if !each.IsCRD() {
			continue
		}
		loss := Loss{
			Name: each.GetName(), Losses: difference.Losses(each.Live, &each.Unstructured), Stored: storedBeside(each.Live, &each.Unstructured),
			Kind: cluster.Defined([]chart.Object{each.Object})[0], Wanted: &each.Unstructured,
		}
		if len(loss.Losses) > 0 {
			all = append(all, loss)
		}
	}
	return all
}

// storedBeside are the versions in which objects of a CRD may be stored, and that another definition of it lacks.
func storedBeside(live, other *unstructured.Unstructured) []string {
	stored, _, _ := unstructured.NestedStringSlice(live.Object, "status", "storedVersions")
	had := difference.Versions(other)
	return slices.DeleteFunc(stored, func(version string) bool { return slices.Contains(had, version) })
}
