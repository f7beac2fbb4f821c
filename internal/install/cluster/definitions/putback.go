package definitions

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/chart/difference"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Applied is a CRD that was written.
type Applied struct {
	Name string
	// Former is the CRD as it was before; nil where there was none.
	Former *unstructured.Unstructured
	// now is the CRD as it was written.
	now *unstructured.Unstructured
}

func sameDefinition(a, b *unstructured.Unstructured) bool {
	return reflect.DeepEqual(a.Object["spec"], b.Object["spec"])
}

// Back is what became of CRDs that had been written and were to be put back.
type Back struct {
	// Restored are as they were before. Made were not there before, and stay, for every object of their kinds
	// would go with them.
	Restored, Made []string
	// Left are as they were written, or as somebody else has made them since.
	Left []Left
}

// Left is a CRD that was not put back: why, and what would go with that, where that is the reason.
type Left struct {
	Name, Why string
	Losses    []string
}

// PutBack puts the CRDs back of which nothing is lost with that. Those whose definition was the same before are
// named nowhere.
func PutBack(ctx context.Context, c *cluster.Cluster, written []Applied) *Back {
	var done Back
	for _, applied := range written {
		switch {
		case applied.Former == nil:
			done.Made = append(done.Made, applied.Name)
		case sameDefinition(applied.Former, applied.now):
		default:
			if left := applied.putBack(ctx, c); left.Why != "" {
				done.Left = append(done.Left, left)
			} else {
				done.Restored = append(done.Restored, applied.Name)
			}
		}
	}
	return &done
}

// putBack says why a CRD is not as it was; there is no reason where it is.
func (a Applied) putBack(ctx context.Context, c *cluster.Cluster) Left {
	live, err := read(ctx, c, a.Name)
	left := Left{Name: a.Name}
	switch {
	case err != nil:
		left.Why = "for it cannot be looked at: " + err.Error()
	case live == nil:
		left.Why = "which is there no more"
	case !sameDefinition(a.now, live):
		left.Why = "which somebody else has changed since"
	default:
		if stored := storedBeside(live, a.Former); len(stored) > 0 {
			left.Why = "for objects may be stored as " + strings.Join(stored, ", ") + " by now, which it did not have"
		} else if left.Losses = difference.Losses(live, a.Former); len(left.Losses) > 0 {
			left.Why = "for objects may have by now what would go with that"
		} else if err := a.restore(ctx, c, live); err != nil {
			left.Why = "for that failed: " + err.Error()
		}
	}
	return left
}

// read reads a CRD; nil where there is none of that name.
func read(ctx context.Context, c *cluster.Cluster, name string) (*unstructured.Unstructured, error) {
	crd, err := c.Resource(cluster.Definitions, "").Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, cluster.Explain(fmt.Errorf("reading CRD %s: %w", name, err))
	}
	return crd, nil
}

// restore gives a CRD the definition, labels and annotations that it had before. Live is what it is now: where that
// is not so any more, nothing is changed, and that is an error.
func (a Applied) restore(ctx context.Context, c *cluster.Cluster, live *unstructured.Unstructured) error {
	crd := &unstructured.Unstructured{Object: map[string]any{"spec": a.Former.DeepCopy().Object["spec"]}}
	crd.SetGroupVersionKind(a.Former.GroupVersionKind())
	crd.SetName(a.Name)
	crd.SetResourceVersion(live.GetResourceVersion())
	crd.SetLabels(a.Former.GetLabels())
	crd.SetAnnotations(a.Former.GetAnnotations())
	_, err := c.Resource(cluster.Definitions, "").Apply(ctx, a.Name, crd, metav1.ApplyOptions{FieldManager: cluster.Manager, Force: true})
	return explainConflict(a.Name, err)
}
