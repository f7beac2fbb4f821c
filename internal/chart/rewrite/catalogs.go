package rewrite

import (
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// listed is an object that is being made, with what tells its entries apart.
type listed struct {
	object  map[string]any
	entries []any
	kinds   []any
}

// object makes the catalogs of images that are at the target, and in each an entry for whatever
// the entries tell apart, which is the newest: two minors of a major are one entry, if an entry
// has the major and the image alone.
func (r Rewrite) object(made *Rewritten, o versions.Object) error {
	var all []*listed
	for _, artifact := range r.byVersion(o.Each) {
		nameless := artifact
		nameless.Target = ref.Reference{}
		object, kind := o.Make(r.fillOf(o.Each, nameless))
		at := slices.IndexFunc(all, func(l *listed) bool { return same(l.object, object) })
		if at >= 0 && slices.ContainsFunc(all[at].kinds, func(k any) bool { return same(k, kind) }) {
			continue // a newer one is there
		}
		if r.Has != nil && !slices.Contains(r.Listed, artifact.Target) {
			if has, err := r.Has(artifact); err != nil {
				return err
			} else if !has {
				continue
			}
		}
		if at < 0 {
			at = len(all)
			all = append(all, &listed{object: object})
		}
		_, entry := o.Make(r.fillOf(o.Each, artifact))
		all[at].entries = append(all[at].entries, entry)
		all[at].kinds = append(all[at].kinds, kind)
	}
	for _, l := range all {
		if err := unstructured.SetNestedSlice(l.object, l.entries, o.At...); err != nil {
			return err
		}
		made.Objects = append(made.Objects, l.object)
	}
	return nil
}

func (r Rewrite) fillOf(name string, a versions.Artifact) versions.Fill {
	return versions.Fill{Target: r.Target, PullSecret: r.PullSecret, Images: map[string]versions.Artifact{name: a}}
}

func same(a, b any) bool { return reflect.DeepEqual(a, b) }
