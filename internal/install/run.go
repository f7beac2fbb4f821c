package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/definitions"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

// Options steer Run. Subject, Cluster, Registry and Dial are needed.
type Options struct {
	Subject preparation.Subject
	Cluster *cluster.Cluster
	// Registry is the private registry with the caller's own credentials, for the chart.
	Registry verify.Puller
	// Dial opens the private registry with the credentials that go into the cluster.
	Dial verify.Dial
	// Credentials go into the pull secret; zero ones make none, for a registry that asks
	// for none.
	Credentials pullsecret.Credentials
	// InstanceNamespaces get the pull secret too.
	InstanceNamespaces []string
	// Strict refuses where a version's image was not relocated, OnlyMirrored leaves such
	// versions out, but for those that databases use.
	Strict, OnlyMirrored bool
	// Confinement is what the chart is rendered in.
	Confinement chart.Confinement
	// Adopt takes over objects of the chart that exist and belong to nobody.
	Adopt bool
	// AllowDowngrade goes back to an older chart, and to CRDs that have less than those in the
	// cluster.
	AllowDowngrade bool
	// ForceSecret takes over a pull secret that is not ours, ForceConflicts the fields of
	// CRDs that someone else manages.
	ForceSecret, ForceConflicts bool
	// NoWait returns once the objects are created. Atomic takes back what this run made if it
	// fails.
	NoWait, Atomic bool
	// Timeout bounds the waiting; 0 means DefaultTimeout.
	Timeout time.Duration
	// DryRun does everything that needs no write permission, and nothing else.
	DryRun bool
	// Awaited are prerequisites, by their product, that a dry run takes to be there: before the
	// run that it stands for they would have been installed. Other runs take no notice.
	Awaited []string
	Hooks   Hooks
}

// DefaultTimeout is how long a run waits where nothing is said.
const DefaultTimeout = 5 * time.Minute

// Outcome is what an install did.
type Outcome struct {
	Prepared *preparation.Prepared
	// KubeVersion is the cluster's.
	KubeVersion string
	// Created are the namespaces that were made.
	Created []string
	Secrets []pullsecret.Result
	// Adopted are objects that were taken over.
	Adopted []string
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
	// recorded is what helm has recorded of the release before; unread is why that could not
	// be read.
	recorded recorded
	unread   error
	// kinds are those that the release defines, or looks after.
	kinds []schema.GroupKind
	// missing are the namespaces that do not exist yet, foreign what exists and is to be
	// taken over.
	missing []string
	foreign []cluster.Found
	// warnedOfUnseen says that warnOfUnseen has done so.
	warnedOfUnseen bool
	// unmarked is what this release has made and does not carry its marks.
	unmarked []cluster.Found
	// changed says that the cluster is not as it was found; writing that a step has begun that
	// writes to it.
	changed []string
	writing bool
	// releases are there once the run has come to helm.
	releases *helm.Releases
	// begun says that helm has begun a revision, and applied are the CRDs that were written before.
	begun   bool
	applied []definitions.Applied
}

// The steps that write what a failure takes back.
const (
	stepDefinitions = "definitions"
	stepOperator    = "operator"
)

// Run installs. A failure is a *Failure that names the step and the state that the cluster
// was left in. The outcome is there in any case, as far as the run has come.
//
// Nothing before the namespaces writes to the cluster.
func Run(ctx context.Context, opts Options) (*Outcome, error) {
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	i := &installation{Options: opts, outcome: Outcome{KubeVersion: opts.Cluster.Version()}}
	failed, err := runSteps(ctx, []step{
		{"chart", i.prepare},
		{"permissions", i.permissions},
		{"images", i.images},
		{"prerequisites", i.prerequisites},
		{"namespaces", i.namespaces},
		{"pull secrets", i.secrets},
		{stepDefinitions, i.definitions},
		{stepOperator, i.operator},
		{"verification", i.verify},
	}, opts.Hooks)
	if err != nil {
		err = i.failed(ctx, failed, err)
	}
	return &i.outcome, err
}

// failed says what is left of the run, once it has looked.
func (i *installation) failed(ctx context.Context, step string, err error) error {
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = cluster.Wrap(context.Cause(ctx), err)
	}
	failure := &Failure{Step: step, Err: err, Done: i.changed, Definitions: i.putBack(ctx, step, err)}
	var changes helm.Changes
	if i.releases != nil {
		changes = i.releases.Changes()
		var taken *helm.TakenBackError
		if errors.As(err, &taken) {
			failure.TakenBack, failure.SkippedHooks = &changes, taken.Skipped
		}
	}
	failure.Unchanged = len(i.changed) == 0 && changes.None() && !i.DryRun && (!i.writing || answered(err))
	if i.releases != nil && !failure.Unchanged {
		state := i.releases.State(i.Subject.HelmRelease)
		failure.State = &state
	}
	return failure
}

// answered tells whether the API server has answered what an error is about: where it has not,
// nobody knows whether it did what it was asked.
func answered(err error) bool {
	var status apierrors.APIStatus
	var sent *preparation.RefusedManifestError
	var size *helm.SizeError
	return errors.As(err, &status) || errors.As(err, &sent) || errors.As(err, &size) ||
		errors.Is(err, helm.ErrBusy) || errors.Is(err, cluster.ErrConflict) || errors.Is(err, helm.ErrOwned)
}

func (i *installation) did(format string, args ...any) {
	i.changed = append(i.changed, fmt.Sprintf(format, args...))
}

func (i *installation) plan(format string, args ...any) {
	i.outcome.Actions = append(i.outcome.Actions, fmt.Sprintf(format, args...))
}

// owner is the helm release as the one that objects belong to.
func (i *installation) owner() cluster.Owner {
	return cluster.Owner{Namespace: i.Subject.Namespace, Release: i.Subject.HelmRelease}
}

// secretOwner is the helm release that the pull secrets belong to.
func (i *installation) secretOwner() cluster.Owner {
	return cluster.Owner{Namespace: i.Subject.Namespace, Release: cmp.Or(i.Subject.Operator, i.Subject.HelmRelease)}
}
