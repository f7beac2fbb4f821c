package cluster

import (
	"context"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// Instance is a database.
type Instance struct {
	// Kind is the object's; Namespace is empty for those without one.
	Kind      string
	Namespace string
	Name      string
}

// String is NAMESPACE/NAME, or the name alone.
func (i Instance) String() string {
	if i.Namespace == "" {
		return i.Name
	}
	return i.Namespace + "/" + i.Name
}

// Instances lists the objects of kinds of databases in all namespaces, in their order; none
// where the cluster does not even know a kind.
func (c *Cluster) Instances(ctx context.Context, kinds ...schema.GroupKind) ([]Instance, error) {
	var all []Instance
	err := c.eachKind(ctx, kinds, func(kind schema.GroupKind, found []unstructured.Unstructured) {
		for i := range found {
			all = append(all, Instance{kind.Kind, found[i].GetNamespace(), found[i].GetName()})
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, byName)
	return all, nil
}

// Look lists what Instances does, and goes on where objects of a kind cannot be listed: unseen says why. It
// fails where the cluster does not tell which kinds it serves.
func (c *Cluster) Look(ctx context.Context, kinds ...schema.GroupKind) (all []Instance, unseen []error, err error) {
	for _, kind := range kinds {
		if _, err := c.Knows(ctx, kind); err != nil {
			return nil, nil, err
		}
		found, err := c.Instances(ctx, kind)
		if err != nil {
			unseen = append(unseen, err)
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, byName)
	return all, unseen, nil
}

// eachKind lists the objects of each kind that the cluster knows, in all namespaces.
func (c *Cluster) eachKind(ctx context.Context, kinds []schema.GroupKind, visit func(schema.GroupKind, []unstructured.Unstructured)) error {
	for _, kind := range kinds {
		mapping, known, err := c.Serves(ctx, kind)
		if err != nil {
			return err
		}
		if !known || kind.Empty() {
			continue
		}
		found, err := c.List(ctx, mapping.Resource, "", metav1.ListOptions{})
		if err != nil {
			return err
		}
		visit(kind, found)
	}
	return nil
}

func byName(a, b Instance) int {
	return strings.Compare(a.String()+" "+a.Kind, b.String()+" "+b.Kind)
}

// InUse are those of the names, of versions for example, that the spec of some object of the
// kinds has as a string of its own.
func (c *Cluster) InUse(ctx context.Context, kinds []schema.GroupKind, names []string) ([]string, error) {
	var inUse []string
	err := c.eachKind(ctx, kinds, func(_ schema.GroupKind, found []unstructured.Unstructured) {
		for _, name := range names {
			used := slices.ContainsFunc(found, func(o unstructured.Unstructured) bool { return hasString(o.Object["spec"], equals(name)) })
			if used && !slices.Contains(inUse, name) {
				inUse = append(inUse, name)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return inUse, nil
}

func equals(name string) func(string) bool { return func(text string) bool { return text == name } }

// hasString tells whether one of a value's strings, at any depth, is what is looked for.
func hasString(value any, is func(string) bool) bool {
	switch value := value.(type) {
	case string:
		return is(value)
	case []any:
		return slices.ContainsFunc(value, func(element any) bool { return hasString(element, is) })
	case map[string]any:
		for _, element := range value {
			if hasString(element, is) {
				return true
			}
		}
	}
	return false
}

// Defined lists the kinds that the CRDs among objects define.
func Defined(objects []chart.Object) []schema.GroupKind {
	var kinds []schema.GroupKind
	for _, object := range objects {
		if object.IsCRD() {
			kinds = append(kinds, defines(&object.Unstructured))
		}
	}
	return kinds
}

// Custom lists the kinds of objects that are none of Kubernetes' own.
func Custom(objects []chart.Object) []schema.GroupKind {
	var kinds []schema.GroupKind
	for _, object := range objects {
		if kind := object.GroupVersionKind().GroupKind(); !isBuiltin(kind.Group) && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// DefinedFor lists the kinds of the CRDs in the cluster that carry the marks of the owner.
func (c *Cluster) DefinedFor(ctx context.Context, owner Owner) ([]schema.GroupKind, error) {
	definers, err := c.Definers(ctx)
	var kinds []schema.GroupKind
	for kind, definer := range definers {
		if definer == owner {
			kinds = append(kinds, kind)
		}
	}
	slices.SortFunc(kinds, func(a, b schema.GroupKind) int { return strings.Compare(a.String(), b.String()) })
	return kinds, err
}

// Definers are the helm releases whose marks the CRDs in the cluster carry, by the kinds that these define.
func (c *Cluster) Definers(ctx context.Context) (map[schema.GroupKind]Owner, error) {
	found, err := c.List(ctx, Definitions, "", metav1.ListOptions{LabelSelector: managedByLabel + "=" + managedByHelm})
	if err != nil {
		return nil, err
	}
	definers := map[schema.GroupKind]Owner{}
	for i := range found {
		if owner := OwnerOf(&found[i]); owner != (Owner{}) {
			definers[defines(&found[i])] = owner
		}
	}
	return definers, nil
}

// defines is the kind that a CRD defines.
func defines(crd *unstructured.Unstructured) schema.GroupKind {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	return schema.GroupKind{Group: group, Kind: kind}
}
