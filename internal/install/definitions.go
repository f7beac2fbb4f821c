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

// applyDefinitions brings the chart's CRDs about before helm runs, and waits until they
// are served. Those of the crds/ folder are applied, for helm itself would install them
// once and never upgrade them. Those among the templates are helm's to look after, but
// have to be there before the custom resources of the same chart: where they are missing
// they are created as the helm release's own. It returns how many were written.
func (c *Cluster) applyDefinitions(ctx context.Context, p *Prepared, force bool) (int, error) {
	written := 0
	for _, object := range p.Rendering.Objects {
		if !object.IsCRD() {
			continue
		}
		done, err := c.writeDefinition(ctx, p, object, force)
		if err != nil {
			return written, explainConflict(object.GetName(), err)
		}
		if done {
			written++
		}
	}
	for _, object := range p.Rendering.Objects {
		if object.IsCRD() {
			if err := c.waitEstablished(ctx, object.GetName()); err != nil {
				return written, err
			}
		}
	}
	c.refresh()
	return written, nil
}

// writeDefinition tells whether it wrote the CRD.
func (c *Cluster) writeDefinition(ctx context.Context, p *Prepared, object chart.Object, force bool) (bool, error) {
	if !object.FromCRDs {
		return c.createDefinition(ctx, p, object)
	}
	options := metav1.ApplyOptions{FieldManager: fieldManager, Force: force}
	_, err := c.of(definitions, "").Apply(ctx, object.GetName(), &object.Unstructured, options)
	return true, err
}

// createDefinition creates a CRD with the marks by which helm knows what belongs to a
// release. It tells whether there was none.
func (c *Cluster) createDefinition(ctx context.Context, p *Prepared, object chart.Object) (bool, error) {
	crd := object.DeepCopy()
	labels, annotations := crd.GetLabels(), crd.GetAnnotations()
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	labels[managedByLabel] = "Helm"
	annotations["meta.helm.sh/release-name"] = p.HelmRelease
	annotations["meta.helm.sh/release-namespace"] = p.Namespace
	crd.SetLabels(labels)
	crd.SetAnnotations(annotations)
	_, err := c.of(definitions, "").Create(ctx, crd, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	return err == nil, err
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
