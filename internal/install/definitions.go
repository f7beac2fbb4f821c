package install

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
)

// establishTimeout is how long the API server may take to serve a new definition.
const establishTimeout = time.Minute

// applyDefinitions applies the CRDs of the chart's crds/ folder, which helm itself would
// install once and never upgrade, and waits until they are served. It returns how many it
// applied.
func (c *Cluster) applyDefinitions(ctx context.Context, rendering *chart.Rendering, force bool) (int, error) {
	applied := 0
	for _, object := range rendering.Objects {
		if !object.FromCRDs || !object.IsCRD() {
			continue
		}
		options := metav1.ApplyOptions{FieldManager: fieldManager, Force: force}
		if _, err := c.of(definitions, "").Apply(ctx, object.GetName(), &object.Unstructured, options); err != nil {
			return applied, explainConflict(object.GetName(), err)
		}
		applied++
	}
	for _, object := range rendering.Objects {
		if object.FromCRDs && object.IsCRD() {
			if err := c.waitEstablished(ctx, object.GetName()); err != nil {
				return applied, err
			}
		}
	}
	c.refresh()
	return applied, nil
}

// explainConflict names who wants which fields otherwise, which is all that the API
// server's own message has to say, in a form that people can act on.
func explainConflict(name string, err error) error {
	var status apierrors.APIStatus
	if !apierrors.IsConflict(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return explain(fmt.Errorf("applying CRD %s: %w", name, err))
	}
	fields := map[string]int{}
	for _, cause := range status.Status().Details.Causes {
		if _, quoted, ok := strings.Cut(cause.Message, `"`); ok && cause.Type == metav1.CauseTypeFieldManagerConflict {
			manager, _, _ := strings.Cut(quoted, `"`)
			fields[manager]++
		}
	}
	var managers []string
	for _, manager := range slices.Sorted(maps.Keys(fields)) {
		managers = append(managers, fmt.Sprintf("%q (%d fields)", manager, fields[manager]))
	}
	text := fmt.Sprintf("CRD %s has fields that %s wants otherwise", name, strings.Join(managers, " and "))
	return withHint(joinErr(ErrConflict, errors.New(text)),
		"--force-conflicts takes these fields over; stop the other tool first if it still manages this CRD")
}

func (c *Cluster) waitEstablished(ctx context.Context, name string) error {
	bounded, cancel := context.WithTimeout(ctx, establishTimeout)
	defer cancel()
	for {
		crd, err := c.of(definitions, "").Get(bounded, name, metav1.GetOptions{})
		switch {
		case err == nil && condition(crd, "Established") == "True":
			return nil
		case err == nil && condition(crd, "NamesAccepted") == "False":
			return fmt.Errorf("CRD %s: the cluster has another CRD with the same names", name)
		case err != nil && bounded.Err() == nil:
			return explain(fmt.Errorf("reading CRD %s: %w", name, err))
		}
		select {
		case <-bounded.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("CRD %s: %w: the API server does not serve it after %s", name, ErrNotReady, establishTimeout)
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
