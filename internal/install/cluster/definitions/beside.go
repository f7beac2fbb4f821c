package definitions

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Beside are what a chart has in its crds/ folder besides CRDs.
func Beside(objects []chart.Object) []chart.Object {
	var all []chart.Object
	for _, object := range objects {
		if object.FromCRDs && !object.IsCRD() {
			all = append(all, object)
		}
	}
	return all
}

// MakeBeside makes what is not there yet, once its CRDs are served, and leaves the rest as it is: helm's own program
// does so with all that it finds in crds/, and never upgrades or deletes it. They carry the marks of the owner. It
// returns what was made.
func MakeBeside(ctx context.Context, c *cluster.Cluster, objects []chart.Object, owner cluster.Owner) ([]string, error) {
	var made []string
	for _, object := range objects {
		client, known, err := c.ClientFor(ctx, &object.Unstructured, owner.Namespace)
		if err != nil {
			return made, err
		}
		if !known {
			return made, &cluster.UnknownKindsError{Kinds: cluster.Custom([]chart.Object{object})}
		}
		marked := object.DeepCopy()
		owner.Mark(marked)
		_, err = client.Create(ctx, marked, metav1.CreateOptions{FieldManager: cluster.Manager})
		switch {
		case apierrors.IsAlreadyExists(err):
		case err != nil:
			return made, cluster.Explain(fmt.Errorf("making %s: %w", object.Title(), err))
		default:
			made = append(made, object.Title())
		}
	}
	return made, nil
}
