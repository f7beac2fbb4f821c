package install

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
)

// findDatabases looks for databases, of kinds that the product names, or of every kind that any
// revision of the release has defined or looked after. What cannot be looked at may have some.
func (r *removal) findDatabases(ctx context.Context) (string, error) {
	if err := r.findKinds(ctx); err != nil {
		return "", err
	}
	if err := r.findUnserved(ctx); err != nil {
		return "", err
	}
	found, unseen, err := r.Cluster.Look(ctx, r.databases...)
	if err != nil {
		return "", err
	}
	r.done.Instances = found
	r.cannotSee(unseen...)
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case r.Force:
		return "", nil
	case len(r.done.Unseen) > 0:
		return "", &UnseenError{Reasons: r.done.Unseen}
	}
	if inTheWay := slices.DeleteFunc(slices.Clone(found), r.isOwn); len(inTheWay) > 0 {
		return "", &InUseError{Instances: inTheWay}
	}
	return "", nil
}

// findKinds finds which kinds are databases. Where it cannot find all of them, every custom resource that the
// release has ever brought counts as one, for none may be lost.
func (r *removal) findKinds(ctx context.Context) error {
	kinds, err := r.recorded.kinds(ctx, r.Cluster, nil)
	if err != nil {
		return err
	}
	if r.known = traits.Knows(r.Product, r.HelmRelease, kinds); !r.known {
		theirs := r.ofOthers(ctx)
		kinds = slices.DeleteFunc(kinds, func(kind schema.GroupKind) bool { return slices.Contains(theirs, kind) })
		live, err := r.Cluster.DefinedFor(ctx, r.owner)
		if err != nil {
			r.cannotSee(err)
			live = cluster.Custom(r.recorded.objects)
		}
		kinds = append(kinds, live...)
	}
	for _, kind := range traits.DatabasesIn(r.Product, r.HelmRelease, kinds) {
		if !slices.Contains(r.databases, kind) {
			r.databases = append(r.databases, kind)
		}
	}
	return nil
}

// findUnserved finds kinds of databases whose CRD is there and which are not served: their databases are there
// too, and cannot be seen.
func (r *removal) findUnserved(ctx context.Context) error {
	var unserved []chart.Object
	for _, object := range r.recorded.objects {
		for _, kind := range cluster.Defined([]chart.Object{object}) {
			known, err := r.Cluster.Knows(ctx, kind)
			if err != nil {
				return err
			}
			if !known && slices.Contains(r.databases, kind) {
				unserved = append(unserved, object)
			}
		}
	}
	found, err := r.Cluster.Find(ctx, unserved, r.Namespace)
	r.cannotSee(err)
	for _, each := range found {
		r.cannotSee(&UnservedError{Definition: each.GetName()})
	}
	return nil
}

// cannotSee notes why databases cannot be seen, each reason once; nil is none.
func (r *removal) cannotSee(reasons ...error) {
	for _, reason := range reasons {
		if reason == nil {
			continue
		}
		said := func(before error) bool { return before.Error() == reason.Error() }
		if !slices.ContainsFunc(r.done.Unseen, said) {
			r.done.Unseen = append(r.done.Unseen, reason)
		}
	}
}

// isOwn tells whether an object of the kinds that a chart defines came with that chart. Where nobody
// says which of these kinds are databases, such an object is in nobody's way; it stays like the
// others, for it may be one.
func (r *removal) isOwn(instance cluster.Instance) bool {
	return !r.known && slices.ContainsFunc(r.recorded.objects, func(o chart.Object) bool {
		return o.GetKind() == instance.Kind && o.GetName() == instance.Name &&
			(instance.Namespace == "" || cluster.NamespaceOf(o, r.Namespace) == instance.Namespace)
	})
}
