package helm

import (
	"context"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmchart "helm.sh/helm/v3/pkg/chart"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Request is a release that is to be brought about.
type Request struct {
	Name   string
	Chart  *chart.Chart
	Values map[string]any
	// Edit changes what the chart renders before it is sent; nil changes nothing.
	Edit chart.Edit
	// More are objects that are installed beside the chart's, and edited like them.
	More []chart.Object
	// Check refuses what is about to be sent, hooks and all, before any of it is; nil takes
	// everything.
	Check func(*chart.Rendering) error
	// Accepted are places that Check lets be; the revision records them. See Revision.Accepted.
	Accepted []naming.Accept
	// Databases are kinds of which helm deletes none, besides those of cluster.Lasts.
	Databases []schema.GroupKind
	// Wait waits until everything is ready. Atomic takes back what this run made if it fails,
	// and nothing that was there before; it implies Wait.
	Wait, Atomic bool
	// Timeout bounds the waiting.
	Timeout time.Duration
}

// history is how many revisions helm keeps.
const history = 10

// Install brings a release about: an install where there is none, else an upgrade. When it
// returns, helm has ended, unless the error says otherwise; Changes says what it did. CRDs of
// the chart's crds/ folder are not installed. Errors are ErrBusy where another run is under way,
// a *SizeError where the release cannot be recorded, and what Check returns.
func (r *Releases) Install(ctx context.Context, request Request) (*Revision, error) {
	loaded, err := request.Chart.Helm()
	if err != nil {
		return nil, err
	}
	last, err := r.last(request.Name)
	if err != nil {
		return nil, err
	}
	if err := revision(last).Busy(); err != nil {
		return nil, err
	}
	owner := cluster.Owner{Namespace: r.namespace, Release: request.Name}
	if err := r.protect(ctx, owner, request.Databases, false); err != nil {
		return nil, err
	}
	r.client.guard.owner, r.client.guard.databases = owner, request.Databases
	r.records.sent = &sent{owner: owner, edit: request.Edit, more: request.More, check: request.Check, accepted: request.Accepted, databases: request.Databases}
	request.Wait = request.Wait || request.Atomic
	grace := graceAfterCancel
	if request.Atomic {
		grace += request.Timeout
	}
	release, err := watched(ctx, func() (*helmrelease.Release, error) {
		release, err := r.bring(request, loaded, last)
		if err != nil && request.Atomic {
			err = r.takeBack(request, last, err)
		}
		return release, err
	}, grace)
	if err != nil {
		return nil, explain(r.client.ofHooks(err))
	}
	return revision(release), nil
}

// bring runs helm's own action.
func (r *Releases) bring(request Request, loaded *helmchart.Chart, last *helmrelease.Release) (*helmrelease.Release, error) {
	if revision(last).Gone() {
		install := action.NewInstall(r.config)
		install.ReleaseName, install.Namespace = request.Name, r.namespace
		install.SkipCRDs, install.Replace = true, last != nil
		install.SkipSchemaValidation = true // it was done, and here it would fetch what the schema refers to
		install.Wait, install.WaitForJobs, install.Timeout = request.Wait, request.Wait, request.Timeout
		install.PostRenderer = r.records.sent
		return install.Run(loaded, request.Values)
	}
	upgrade := action.NewUpgrade(r.config)
	upgrade.Namespace, upgrade.SkipCRDs, upgrade.MaxHistory = r.namespace, true, history
	upgrade.Wait, upgrade.WaitForJobs, upgrade.Timeout = request.Wait, request.Wait, request.Timeout
	upgrade.ResetValues, upgrade.SkipSchemaValidation = true, true
	upgrade.PostRenderer = r.records.sent
	return upgrade.Run(request.Name, loaded, request.Values)
}
