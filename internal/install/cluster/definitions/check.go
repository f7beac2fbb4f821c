package definitions

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Check asks the API server whether it takes the CRDs of a chart, in place of those that are there or
// anew, and changes nothing: what it calls invalid would end the run half way. Former are the objects of the
// revision that runs: from these helm works out what it changes of a CRD among the templates.
func Check(ctx context.Context, c *cluster.Cluster, objects []chart.Object, found []cluster.Found, former []chart.Object) error {
	live := map[string]*unstructured.Unstructured{}
	for _, each := range found {
		if each.IsCRD() {
			live[each.GetName()] = each.Live
		}
	}
	for _, object := range objects {
		if !object.IsCRD() || object.Hook {
			continue
		}
		err := try(ctx, c, object, live[object.GetName()], former)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if apierrors.IsInvalid(err) {
			return explainConflict(object.GetName(), err)
		}
	}
	return nil
}

// try writes a CRD as it will be written, without doing so.
func try(ctx context.Context, c *cluster.Cluster, object chart.Object, live *unstructured.Unstructured, former []chart.Object) error {
	client, dry := c.Resource(cluster.Definitions, ""), []string{metav1.DryRunAll}
	var err error
	switch {
	case object.FromCRDs:
		_, err = client.Apply(ctx, object.GetName(), &object.Unstructured, metav1.ApplyOptions{FieldManager: cluster.Manager, Force: true, DryRun: dry})
	case live == nil:
		_, err = client.Create(ctx, &object.Unstructured, metav1.CreateOptions{FieldManager: cluster.Manager, DryRun: dry})
	default:
		var patch []byte
		if patch, err = mergePatch(object, live, former); err == nil {
			_, err = client.Patch(ctx, object.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: cluster.Manager, DryRun: dry})
		}
	}
	return err
}

// mergePatch is what helm changes of a CRD that is there: it goes by what the former revision had of it, or where
// that had none, takes away nothing.
func mergePatch(object chart.Object, live *unstructured.Unstructured, former []chart.Object) ([]byte, error) {
	original := &object.Unstructured
	for i := range former {
		if former[i].IsCRD() && !former[i].FromCRDs && !former[i].Hook && former[i].GetName() == object.GetName() {
			original = &former[i].Unstructured
		}
	}
	var texts [3][]byte
	for i, each := range []*unstructured.Unstructured{original, &object.Unstructured, live} {
		var err error
		if texts[i], err = json.Marshal(each.Object); err != nil {
			return nil, fmt.Errorf("CRD %s: %w", object.GetName(), err)
		}
	}
	return jsonmergepatch.CreateThreeWayJSONMergePatch(texts[0], texts[1], texts[2])
}
