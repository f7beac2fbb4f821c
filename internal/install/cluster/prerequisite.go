package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// Prerequisite is something that others do not work without, cert-manager for example.
type Prerequisite struct {
	// Product is its name in the catalogue, Title what people call it.
	Product, Title string
	// Probe is an object of a kind that it serves, which it accepts if it works: it is created in
	// dry-run, which leaves nothing behind.
	Probe *unstructured.Unstructured
	// Of is the name of the chart that needs it; empty for the operator's.
	Of string
}

// Errors about prerequisites that callers tell apart with errors.Is; errors.As finds a
// *PrerequisiteError.
var (
	// ErrNoPrerequisite: it is needed and not installed.
	ErrNoPrerequisite = errors.New("it is not installed")
	// ErrNoAnswer: it is installed, and its webhook does not answer.
	ErrNoAnswer = errors.New("its webhook does not answer")
)

// PrerequisiteError says that a prerequisite is not as it should be.
type PrerequisiteError struct {
	Prerequisite Prerequisite
	// Err wraps ErrNoPrerequisite or ErrNoAnswer.
	Err error
}

// Error names it.
func (e *PrerequisiteError) Error() string {
	if errors.Is(e.Err, ErrNoPrerequisite) {
		by := "the operator"
		if e.Prerequisite.Of != "" {
			by = "the chart " + e.Prerequisite.Of
		}
		return fmt.Sprintf("%s is not installed, and %s needs it", e.Prerequisite.Title, by)
	}
	return fmt.Sprintf("%s's webhook does not answer: %v", e.Prerequisite.Title, errors.Unwrap(e.Err))
}

// Unwrap returns the cause.
func (e *PrerequisiteError) Unwrap() error { return e.Err }

// probeTimeout bounds the question to a prerequisite's webhook.
const probeTimeout = 40 * time.Second

// UsedBy tells whether any of the objects is of the prerequisite's kinds, and none of them
// defines those.
func (p Prerequisite) UsedBy(objects []chart.Object) bool {
	group := p.Probe.GroupVersionKind().Group
	for _, kind := range Defined(objects) {
		if kind.Group == group {
			return false
		}
	}
	return slices.ContainsFunc(objects, func(o chart.Object) bool { return o.GroupVersionKind().Group == group })
}

// HasPrerequisite tells whether the cluster serves its kinds.
func (c *Cluster) HasPrerequisite(ctx context.Context, p Prerequisite) (bool, error) {
	_, known, err := c.Serves(ctx, p.Probe.GroupVersionKind().GroupKind())
	return known, err
}

// CheckPrerequisite wants a prerequisite's CRDs and a webhook that answers; the error is a
// *PrerequisiteError. The notice says why it could not be asked.
func (c *Cluster) CheckPrerequisite(ctx context.Context, p Prerequisite, namespace string) (notice string, err error) {
	mapping, known, err := c.Serves(ctx, p.Probe.GroupVersionKind().GroupKind())
	if err != nil {
		return "", err
	}
	if !known {
		return "", &PrerequisiteError{Prerequisite: p, Err: ErrNoPrerequisite}
	}
	probe := p.Probe.DeepCopy()
	probe.SetAPIVersion(mapping.GroupVersionKind.GroupVersion().String())
	probe.SetName(Manager + "-check")
	bounded, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	_, err = c.Resource(mapping.Resource, namespace).Create(bounded, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: Manager})
	switch {
	case err == nil, apierrors.IsAlreadyExists(err):
		return "", nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case denied(err):
		return fmt.Sprintf("whether %s's webhook answers could not be checked: creating an object of kind %s is not allowed", p.Title, probe.GetKind()), nil
	default:
		return "", &PrerequisiteError{Prerequisite: p, Err: &noAnswer{err}}
	}
}

// noAnswer is what came in place of an answer.
type noAnswer struct{ err error }

func (e *noAnswer) Error() string        { return ErrNoAnswer.Error() + ": " + e.err.Error() }
func (e *noAnswer) Unwrap() error        { return e.err }
func (e *noAnswer) Is(target error) bool { return target == ErrNoAnswer }
