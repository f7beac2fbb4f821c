package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options steer Run. Subject, Cluster, Registry and Pull are needed.
type Options struct {
	Subject Subject
	Cluster *Cluster
	// Registry is the private registry with the caller's own credentials, for the chart.
	Registry Registry
	// Dial opens the private registry with the credentials that go into the cluster.
	Dial Dial
	// Credentials go into the pull secret; zero ones make none, for a registry that asks
	// for none.
	Credentials Credentials
	// InstanceNamespaces get the pull secret too.
	InstanceNamespaces []string
	// Strict refuses where a version's image was not relocated, OnlyMirrored leaves such
	// versions out.
	Strict, OnlyMirrored bool
	// ForceSecret takes over a pull secret that is not ours, ForceConflicts the fields of
	// CRDs that someone else manages.
	ForceSecret, ForceConflicts bool
	// NoWait returns once the objects are created. Atomic undoes what fails.
	NoWait, Atomic bool
	// Timeout bounds the waiting; 0 means 5 minutes.
	Timeout time.Duration
	// DryRun does everything that needs no write permission, and nothing else.
	DryRun bool
	Hooks  Hooks
}

// Report is what an install did.
type Report struct {
	Prepared *Prepared
	// KubeVersion is the cluster's.
	KubeVersion string
	// Created are the namespaces that were made.
	Created []string
	Secrets []SecretResult
	// Definitions is how many CRDs were applied.
	Definitions int
	// Revision is the helm release's; 0 for a dry run.
	Revision int
	// Actions are what a dry run found to do, one sentence each.
	Actions []string
	// Check is what was verified at the end; nil for a dry run or without waiting.
	Check *Check
}

// installation is one run under way.
type installation struct {
	Options
	report Report
	pull   Registry
	// missing are the namespaces that do not exist yet.
	missing []string
	// changed says that the cluster is not as it was found.
	changed []string
	helm    *helm
}

// steps are the whole run. Nothing before the namespaces writes to the cluster.
func (i *installation) steps() []step {
	return []step{
		{"chart", i.prepare},
		{"images", i.images},
		{"prerequisites", i.prerequisites},
		{"permissions", i.permissions},
		{"namespaces", i.namespaces},
		{"pull secrets", i.secrets},
		{"definitions", i.definitions},
		{"operator", i.operator},
		{"verification", i.verify},
	}
}

// step does one thing and says in a line what came of it; errSkip means there was nothing
// to do.
type step struct {
	name string
	do   func(context.Context) (string, error)
}

var errSkip = errors.New("skipped")

// Run installs. A failure is an *Error that names the step and the state that the cluster
// was left in. The report is there in any case, as far as the run has come.
func Run(ctx context.Context, opts Options) (*Report, error) {
	if opts.Timeout <= 0 {
		opts.Timeout = 5 * time.Minute
	}
	i := &installation{Options: opts, report: Report{KubeVersion: opts.Cluster.Version()}}
	return &i.report, i.run(ctx)
}

func (i *installation) run(ctx context.Context) error {
	steps := i.steps()
	for n, step := range steps {
		event := StepEvent{Index: n + 1, Total: len(steps), Name: step.name, State: Started}
		i.Hooks.step(event)
		err := context.Cause(ctx)
		if err == nil {
			event.Detail, err = step.do(ctx)
		}
		switch {
		case errors.Is(err, errSkip):
			event.State = Skipped
		case err != nil:
			event.State = Failed
			i.Hooks.step(event)
			return i.failed(ctx, step.name, err)
		default:
			event.State = Done
		}
		i.Hooks.step(event)
	}
	return nil
}

// failed says what is left of the run.
func (i *installation) failed(ctx context.Context, step string, err error) error {
	failure := &Error{Step: step, Err: err}
	var inner *Error
	if errors.As(err, &inner) && inner.Step == "" {
		failure = &Error{Step: step, Err: inner.Err, Details: inner.Details, Advice: inner.Hint()}
		if err != error(inner) { //nolint:errorlint // whether it is wrapped is the question
			failure.Err = err
		}
	}
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		failure.Err = joinErr(context.Cause(ctx), failure.Err)
	}
	if len(i.changed) == 0 {
		if !i.DryRun {
			failure.Details = append(slices.Clone(failure.Details), "nothing in the cluster was changed")
		}
		return failure
	}
	left := append(slices.Clone(failure.Details), "done before: "+strings.Join(i.changed, ", "))
	if i.helm != nil {
		left = append(left, i.helm.stateOf(i.Subject.HelmRelease))
	}
	failure.Details = left
	return failure
}

func (i *installation) did(format string, args ...any) {
	i.changed = append(i.changed, fmt.Sprintf(format, args...))
}

func (i *installation) plan(format string, args ...any) {
	i.report.Actions = append(i.report.Actions, fmt.Sprintf(format, args...))
}
