package install

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// OtherChartError says that the helm release that was to be upgraded is of another chart: helm
// would remove all that this one has made.
type OtherChartError struct {
	Owner cluster.Owner
	// Installed is the chart that the release is of, with its version, and Wanted the name of the one
	// that was to take its place.
	Installed, Wanted string
}

// Error names both charts.
func (e *OtherChartError) Error() string {
	return fmt.Sprintf("helm release %s is of the chart %s, and not of %s: what that chart has made would be removed",
		e.Owner, e.Installed, e.Wanted)
}

// sameChart wants a release that exists to be one of the chart, whatever its version. Vendors have
// given charts other names: one that defines the same kinds, or the product's databases, is it too.
func (i *installation) sameChart() error {
	last, p := i.recorded.last, i.outcome.Prepared
	if last.Gone() || last.Chart == "" {
		return nil
	}
	installed, _, _ := strings.Cut(last.Chart, " ")
	if installed == p.Chart.Name() || isChartOf(p.Product, installed) {
		return nil
	}
	kinds := append(cluster.Defined(p.Rendering.Objects), traits.Databases(p.Product)...)
	if slices.ContainsFunc(i.recorded.defined(nil), func(kind schema.GroupKind) bool { return slices.Contains(kinds, kind) }) {
		return nil
	}
	return &OtherChartError{Owner: i.owner(), Installed: last.Chart, Wanted: p.Chart.Name()}
}

// isChartOf tells whether a chart of any release of the product has a name.
func isChartOf(product *versions.Product, name string) bool {
	return slices.ContainsFunc(product.Releases, func(release *versions.Release) bool {
		return slices.ContainsFunc(release.Charts, func(c versions.Chart) bool { return path.Base(c.Repository) == name })
	})
}
