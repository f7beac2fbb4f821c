package install

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

// Options steer Run. Subject, Cluster, Registry and Dial are needed.
type Options struct {
	Subject Subject
	Cluster *cluster.Cluster
	// Registry is the private registry with the caller's own credentials, for the chart.
	Registry verify.Puller
	// Dial opens the private registry with the credentials that go into the cluster.
	Dial verify.Dial
	// Credentials go into the pull secret; zero ones make none, for a registry that asks
	// for none.
	Credentials cluster.Credentials
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

// Outcome is what an install did.
type Outcome struct {
	Prepared *Prepared
	// KubeVersion is the cluster's.
	KubeVersion string
	// Created are the namespaces that were made.
	Created []string
	Secrets []cluster.SecretResult
	// Definitions is how many CRDs were applied.
	Definitions int
	// Revision is the helm release's; 0 for a dry run.
	Revision int
	// Actions are what a dry run found to do, one sentence each.
	Actions []string
	// Check is what was verified at the end; nil for a dry run or without waiting.
	Check *verify.Check
}

// installation is one run under way.
type installation struct {
	Options
	outcome Outcome
	// pull is the private registry as the cluster sees it.
	pull verify.Puller
	// missing are the namespaces that do not exist yet.
	missing []string
	// changed says that the cluster is not as it was found.
	changed []string
	// releases are there once the run has come to helm.
	releases *helm.Releases
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

// Run installs. A failure is a *Failure that names the step and the state that the cluster
// was left in. The outcome is there in any case, as far as the run has come.
func Run(ctx context.Context, opts Options) (*Outcome, error) {
	if opts.Timeout <= 0 {
		opts.Timeout = 5 * time.Minute
	}
	i := &installation{Options: opts, outcome: Outcome{KubeVersion: opts.Cluster.Version()}}
	return &i.outcome, i.run(ctx)
}

func (i *installation) run(ctx context.Context) error {
	steps := i.steps()
	for n, step := range steps {
		event := StepEvent{Index: n + 1, Total: len(steps), Name: step.name, Phase: Started}
		i.Hooks.step(event)
		err := context.Cause(ctx)
		if err == nil {
			event.Detail, err = step.do(ctx)
		}
		switch {
		case errors.Is(err, errSkip):
			event.Phase = Skipped
		case err != nil:
			event.Phase = Failed
			i.Hooks.step(event)
			return i.failed(ctx, step.name, err)
		default:
			event.Phase = Done
		}
		i.Hooks.step(event)
	}
	return nil
}

// failed says what is left of the run.
func (i *installation) failed(ctx context.Context, step string, err error) error {
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = cluster.Wrap(context.Cause(ctx), err)
	}
	failure := &Failure{Step: step, Err: err, Done: i.changed}
	failure.Unchanged = len(i.changed) == 0 && !i.DryRun
	if len(i.changed) > 0 && i.releases != nil {
		state := i.releases.State(i.Subject.HelmRelease)
		failure.State = &state
	}
	return failure
}

func (i *installation) did(format string, args ...any) {
	i.changed = append(i.changed, fmt.Sprintf(format, args...))
}

func (i *installation) plan(format string, args ...any) {
	i.outcome.Actions = append(i.outcome.Actions, fmt.Sprintf(format, args...))
}
