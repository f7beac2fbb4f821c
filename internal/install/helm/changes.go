package helm

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Changes are what a run has done to the cluster's objects, each named as "Deployment ns/name".
// They are the API server's word, not that of a record.
type Changes struct {
	// Made are objects that the run made and that are there, Gone those that it made and that
	// are there no more.
	Made, Gone []string
	// Stayed were there before, and are there; the run may have brought them up to date.
	Stayed []string
	// Kept are what a manifest has no longer, or was to be removed with it, and lasts.
	Kept []string
	// Theirs were to be deleted, and belong to other releases by now, "ClusterRole a (helm release ns/b)"; they stay.
	Theirs []string
	// Err says what could not be looked at.
	Err error
}

// None tells whether the run did nothing to any object.
func (c Changes) None() bool {
	return len(c.Made)+len(c.Gone)+len(c.Stayed) == 0 && c.Err == nil
}

// Changes looks at everything that a run of Install has touched.
func (r *Releases) Changes() Changes {
	g := &r.client.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	var changes Changes
	for _, key := range g.order {
		touch := g.touched[key]
		title := infoTitle(touch.info)
		if touch.theirs != (cluster.Owner{}) {
			changes.Theirs = append(changes.Theirs, fmt.Sprintf("%s (helm release %s)", title, touch.theirs))
		}
		if touch.kept && !touch.created && !touch.changed { // a hook is to be deleted before it is sent
			changes.Kept = append(changes.Kept, title)
		}
		if !touch.created && !touch.changed {
			continue
		}
		there, err := exists(touch.info)
		switch {
		case err != nil:
			changes.Err = errors.Join(changes.Err, fmt.Errorf("looking for %s: %w", title, err))
		case !there && touch.created:
			changes.Gone = append(changes.Gone, title)
		case there && touch.created:
			changes.Made = append(changes.Made, title)
		case there:
			changes.Stayed = append(changes.Stayed, title)
		}
	}
	return changes
}

// exists tells whether an object is there, and not on its way out.
func exists(info *resource.Info) (bool, error) {
	found, err := resource.NewHelper(info.Client, info.Mapping).Get(info.Namespace, info.Name)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	accessor, err := meta.Accessor(found)
	return err == nil && accessor.GetDeletionTimestamp() == nil, err
}
