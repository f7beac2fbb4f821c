package definitions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// establishTimeout is how long the API server may take to serve a new definition.
const establishTimeout = time.Minute

// Apply brings the CRDs among a chart's objects about before helm runs, and waits
// until they are served. Those of the crds/ folder are applied, for helm itself would install
// them once and never upgrade them. Those among the templates are helm's to look after, but
// have to be there before the custom resources of the same chart: where they are missing they
// are created. All carry the marks of the owner, and the annotation for helm to let them be.
//
// With force, fields that somebody else manages are taken over; without, that is an
// ErrConflict. It returns those that were written, with what was there before.
func Apply(ctx context.Context, c *cluster.Cluster, objects []chart.Object, owner cluster.Owner, force bool) ([]Applied, error) {
	var written []Applied
	for _, object := range objects {
		if !object.IsCRD() {
			continue
		}
		crd := object.DeepCopy()
		owner.Mark(crd)
		cluster.Keep(crd)
		applied, err := write(ctx, c, crd, object.FromCRDs, owner, force)
		if err != nil {
			return written, err
		}
		if applied != nil {
			written = append(written, *applied)
		}
	}
	for _, object := range objects {
		if object.IsCRD() {
			if err := waitEstablished(ctx, c, object.GetName()); err != nil {
				return written, err
			}
		}
	}
	c.Refresh()
	return written, nil
}

// write writes a CRD, unless it is among the templates and there already: nil then.
func write(ctx context.Context, c *cluster.Cluster, crd *unstructured.Unstructured, folder bool, owner cluster.Owner, force bool) (*Applied, error) {
	client := c.Resource(cluster.Definitions, "")
	if !folder {
		made, err := client.Create(ctx, crd, metav1.CreateOptions{FieldManager: cluster.Manager})
		if apierrors.IsAlreadyExists(err) {
			return nil, nil
		}
		return &Applied{Name: crd.GetName(), now: made}, explainConflict(crd.GetName(), err)
	}
	former, err := read(ctx, c, crd.GetName())
	if err != nil {
		return nil, err
	}
	now, err := client.Apply(ctx, crd.GetName(), crd, metav1.ApplyOptions{FieldManager: cluster.Manager, Force: force})
	if conflictsOf(err).only(cluster.Manager, helmManager) && former != nil && cluster.OwnerOf(former) == owner {
		// An earlier revision of the same release had it among its templates.
		now, err = client.Apply(ctx, crd.GetName(), crd, metav1.ApplyOptions{FieldManager: cluster.Manager, Force: true})
	}
	return &Applied{Name: crd.GetName(), Former: former, now: now}, explainConflict(crd.GetName(), err)
}

// helmManager is who helm's own program is to the API server.
const helmManager = "helm"

// conflicts are the managers who want fields otherwise, with how many; nil where err is no
// conflict.
type conflicts map[string]int

func conflictsOf(err error) conflicts {
	var status apierrors.APIStatus
	if !apierrors.IsConflict(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	found := conflicts{}
	for _, cause := range status.Status().Details.Causes {
		if _, quoted, ok := strings.Cut(cause.Message, `"`); ok && cause.Type == metav1.CauseTypeFieldManagerConflict {
			manager, _, _ := strings.Cut(quoted, `"`)
			found[manager]++
		}
	}
	return found
}

// only tells whether there are conflicts, and with nobody but these.
func (c conflicts) only(managers ...string) bool {
	for manager := range c {
		if !slices.Contains(managers, manager) {
			return false
		}
	}
	return len(c) > 0
}

// explainConflict names who wants which fields otherwise, which is all that the API
// server's own message has to say, in a form that people can act on.
func explainConflict(name string, err error) error {
	found := conflictsOf(err)
	switch {
	case err == nil:
		return nil
	case found == nil:
		return cluster.Explain(fmt.Errorf("applying CRD %s: %w", name, err))
	}
	var managers []string
	for _, manager := range slices.Sorted(maps.Keys(found)) {
		managers = append(managers, fmt.Sprintf("%q (%d fields)", manager, found[manager]))
	}
	text := fmt.Sprintf("CRD %s has fields that %s wants otherwise", name, strings.Join(managers, " and "))
	return cluster.Wrap(cluster.ErrConflict, errors.New(text))
}

func waitEstablished(ctx context.Context, c *cluster.Cluster, name string) error {
	bounded, cancel := context.WithTimeout(ctx, establishTimeout)
	defer cancel()
	for {
		crd, err := c.Resource(cluster.Definitions, "").Get(bounded, name, metav1.GetOptions{})
		switch {
		case err == nil && crd.GetDeletionTimestamp() != nil:
			return fmt.Errorf("CRD %s is being deleted by somebody, with every object of its kind", name)
		case err == nil && condition(crd, "Established") == "True":
			return nil
		case err == nil && condition(crd, "NamesAccepted") == "False":
			return fmt.Errorf("CRD %s: the cluster has another CRD with the same names", name)
		case err != nil && bounded.Err() == nil:
			return cluster.Explain(fmt.Errorf("reading CRD %s: %w", name, err))
		}
		select {
		case <-bounded.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("CRD %s: %w: the API server does not serve it after %s", name, cluster.ErrNotReady, establishTimeout)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// condition is the status of one of an object's conditions, "True"; empty where there is none.
func condition(object *unstructured.Unstructured, kind string) string {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, each := range conditions {
		if fields, ok := each.(map[string]any); ok && fields["type"] == kind {
			status, _ := fields["status"].(string)
			return status
		}
	}
	return ""
}
