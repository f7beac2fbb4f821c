package helm

import (
	"bytes"
	"context"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/postrender"
	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// Request is a release that is to be brought about.
type Request struct {
	Name, Namespace string
	Chart           *chart.Chart
	Values          map[string]any
	// LeaveOut drops objects of the chart; nil drops none.
	LeaveOut func(chart.Object) bool
	// Wait waits until everything is ready, Atomic undoes what fails.
	Wait, Atomic bool
	// Timeout bounds the waiting.
	Timeout time.Duration
}

// history is how many revisions helm keeps.
const history = 10

// Install brings a release about: an install where there is none, else an upgrade. When it
// returns, helm has ended, unless the error says otherwise. CRDs of the chart's crds/ folder
// are not installed. Errors are ErrBusy where another run is under way.
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
	var filter postrender.PostRenderer
	if request.LeaveOut != nil {
		filter = postRenderer{drop: request.LeaveOut}
	}
	grace := graceAfterCancel
	if request.Atomic {
		grace += request.Timeout
	}
	run := func() (*helmrelease.Release, error) {
		if last == nil || last.Info.Status == helmrelease.StatusUninstalled {
			install := action.NewInstall(r.config)
			install.ReleaseName, install.Namespace = request.Name, request.Namespace
			install.SkipCRDs, install.Replace = true, last != nil
			install.Wait, install.WaitForJobs, install.Atomic, install.Timeout = request.Wait, request.Wait, request.Atomic, request.Timeout
			install.PostRenderer = filter
			return install.Run(loaded, request.Values)
		}
		upgrade := action.NewUpgrade(r.config)
		upgrade.Namespace, upgrade.SkipCRDs, upgrade.MaxHistory = request.Namespace, true, history
		upgrade.Wait, upgrade.WaitForJobs, upgrade.Atomic, upgrade.Timeout = request.Wait, request.Wait, request.Atomic, request.Timeout
		upgrade.ResetValues = true
		upgrade.PostRenderer = filter
		return upgrade.Run(request.Name, loaded, request.Values)
	}
	release, err := watched(ctx, run, grace)
	if err != nil {
		return nil, explain(err)
	}
	return revision(release), nil
}

// postRenderer drops objects from what helm is about to apply.
type postRenderer struct{ drop func(chart.Object) bool }

// Run filters the manifest.
func (r postRenderer) Run(manifest *bytes.Buffer) (*bytes.Buffer, error) {
	kept, err := chart.Without(manifest.String(), r.drop)
	return bytes.NewBufferString(kept), err
}
