package cluster

import (
	"context"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Instance is a database.
type Instance struct {
	Namespace string
	Name      string
}

// String is NAMESPACE/NAME.
func (i Instance) String() string { return i.Namespace + "/" + i.Name }

// Instances lists the objects of a kind of databases in all namespaces; none where the kind is
// empty, or the cluster does not even know it.
func (c *Cluster) Instances(ctx context.Context, kind schema.GroupKind) ([]Instance, error) {
	if kind.Empty() {
		return nil, nil
	}
	mapping, known, err := c.Serves(kind)
	if err != nil || !known {
		return nil, err
	}
	found, err := c.List(ctx, mapping.Resource, "", metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var all []Instance
	for i := range found {
		all = append(all, Instance{found[i].GetNamespace(), found[i].GetName()})
	}
	slices.SortFunc(all, func(a, b Instance) int { return strings.Compare(a.String(), b.String()) })
	return all, nil
}
