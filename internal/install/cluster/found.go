package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// atOnce bounds how many questions the API server is asked at a time.
const atOnce = 8

// Found is an object of a chart that exists already.
type Found struct {
	chart.Object
	// Live is the object as it is in the cluster.
	Live *unstructured.Unstructured
}

// ClientFor is the client for an object's resource, in its namespace, or in the one given where
// it names none. The cluster may not know its kind.
func (c *Cluster) ClientFor(ctx context.Context, object *unstructured.Unstructured, namespace string) (client dynamic.ResourceInterface, known bool, err error) {
	mapping, known, err := c.Serves(ctx, object.GroupVersionKind().GroupKind())
	if err != nil || !known {
		return nil, false, err
	}
	if mapping.Scope.Name() != "namespace" {
		return c.Resource(mapping.Resource, ""), true, nil
	}
	if object.GetNamespace() != "" {
		namespace = object.GetNamespace()
	}
	return c.Resource(mapping.Resource, namespace), true, nil
}

// Find looks for a chart's objects in the cluster, and returns those that exist, in the order
// given; namespace is that of objects which name none.
func (c *Cluster) Find(ctx context.Context, objects []chart.Object, namespace string) ([]Found, error) {
	live := make([]*unstructured.Unstructured, len(objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range objects {
		group.Go(func() error {
			client, known, err := c.ClientFor(ctx, &objects[i].Unstructured, namespace)
			if err != nil || !known {
				return err
			}
			found, err := client.Get(ctx, objects[i].GetName(), metav1.GetOptions{})
			switch {
			case err == nil:
				live[i] = found
			case !apierrors.IsNotFound(err):
				return Explain(fmt.Errorf("looking for %s: %w", objects[i].Title(), err))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var found []Found
	for i, object := range objects {
		if live[i] != nil {
			found = append(found, Found{Object: object, Live: live[i]})
		}
	}
	return found, nil
}

// Adopt gives an object in the cluster the marks of the owner, and changes nothing else of it.
func (c *Cluster) Adopt(ctx context.Context, found Found, owner Owner) error {
	client, known, err := c.ClientFor(ctx, found.Live, owner.Namespace)
	if err != nil || !known {
		return err
	}
	return patchMeta(ctx, client, found.Live, owner.labels(), owner.annotations())
}

// patchMeta lays labels and annotations over those of an object in the cluster.
func patchMeta(ctx context.Context, client dynamic.ResourceInterface, object *unstructured.Unstructured, labels, annotations map[string]string) error {
	metadata := map[string]any{"annotations": annotations}
	if labels != nil {
		metadata["labels"] = labels
	}
	patch, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		return err
	}
	_, err = client.Patch(ctx, object.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: Manager})
	if err != nil {
		return Explain(fmt.Errorf("marking %s: %w", Title(object), err))
	}
	return nil
}
