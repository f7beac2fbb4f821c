package previewing

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// entry is an image in an object of the cluster that databases name together with a version: a
// catalog and a major.
type entry struct {
	kind, namespace, name, version string
	image                          ref.Reference
}

type entries []entry

// entriesIn are the entries of all objects that databases of the product can pick from.
func (p *previewing) entriesIn(ctx context.Context, c *cluster.Cluster) (entries, error) {
	var all entries
	for _, kind := range p.made.Product.Cluster.Offers {
		objects, err := c.Objects(ctx, schema.GroupKind{Group: kind.Group, Kind: kind.Kind})
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			alone := &chart.Rendering{Objects: []chart.Object{{Unstructured: object}}}
			for _, offer := range discovery.OffersIn(alone, []versions.Kind{kind}) {
				all = append(all, entry{object.GetKind(), object.GetNamespace(), object.GetName(), offer.Version, offer.Image})
			}
		}
	}
	return all, nil
}

// refersTo tells of maps that name an object and beside it the version whose image vanishes.
func (e entries) refersTo(offer OfferChange) func(namespace string, value map[string]any) bool {
	return func(namespace string, value map[string]any) bool {
		for _, entry := range e {
			if offer.isImage(entry.image) && entry.isNamed(namespace, value) {
				return true
			}
		}
		return false
	}
}

func (e entry) isNamed(namespace string, value map[string]any) bool {
	kind, said := value["kind"]
	if value["name"] != e.name || said && kind != e.kind || e.namespace != "" && e.namespace != namespace {
		return false
	}
	for key, beside := range value {
		if key != "name" && key != "kind" && e.version != "" && fmt.Sprint(beside) == e.version {
			return true
		}
	}
	return false
}
