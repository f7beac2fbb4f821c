package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/postrender"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// graceAfterCancel is how long helm may take to record that it was interrupted, before we
// leave and say that it may still be at work.
const graceAfterCancel = 30 * time.Second

// helm is helm's library, bound to one namespace of one cluster.
type helm struct {
	config *action.Configuration
	kube   *kubeClient
}

func (c *Cluster) helm(ctx context.Context, namespace string, waiting func([]Pending)) (*helm, error) {
	client, err := newKubeClient(ctx, c, namespace, waiting)
	if err != nil {
		return nil, err
	}
	store := storage.Init(driver.NewSecrets(client.typed.CoreV1().Secrets(namespace)))
	return &helm{kube: client, config: &action.Configuration{
		RESTClientGetter: getter{c},
		Releases:         store,
		KubeClient:       client,
		Log:              func(string, ...any) {},
		HookOutputFunc:   func(_, _, _ string) io.Writer { return io.Discard },
	}}, nil
}

// last is the newest revision of a helm release; nil where there is none.
func (h *helm) last(name string) (*helmrelease.Release, error) {
	release, err := h.config.Releases.Last(name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(fmt.Errorf("reading helm release %s: %w", name, err))
	}
	return release, nil
}

// releaseOptions are how a helm release is brought about.
type releaseOptions struct {
	wait, atomic bool
	timeout      time.Duration
}

// upgrade brings a helm release about: an install where there is none, else an upgrade.
// When it returns, helm has ended, unless the error says otherwise.
func (h *helm) upgrade(ctx context.Context, p *Prepared, opts releaseOptions) (*helmrelease.Release, error) {
	loaded, err := p.Chart.Helm()
	if err != nil {
		return nil, err
	}
	last, err := h.last(p.HelmRelease)
	if err != nil {
		return nil, err
	}
	if err := busy(last); err != nil {
		return nil, err
	}
	run := func() (*helmrelease.Release, error) {
		var filter postrender.PostRenderer
		if p.leaveOut != nil {
			filter = postRenderer{drop: p.leaveOut}
		}
		if last == nil || last.Info.Status == helmrelease.StatusUninstalled {
			install := action.NewInstall(h.config)
			install.ReleaseName, install.Namespace = p.HelmRelease, p.Namespace
			install.SkipCRDs, install.Replace = true, last != nil
			install.Wait, install.WaitForJobs, install.Atomic, install.Timeout = opts.wait, opts.wait, opts.atomic, opts.timeout
			install.PostRenderer = filter
			return install.Run(loaded, p.Values)
		}
		upgrade := action.NewUpgrade(h.config)
		upgrade.Namespace, upgrade.SkipCRDs, upgrade.MaxHistory = p.Namespace, true, 10
		upgrade.Wait, upgrade.WaitForJobs, upgrade.Atomic, upgrade.Timeout = opts.wait, opts.wait, opts.atomic, opts.timeout
		upgrade.ResetValues = true
		upgrade.PostRenderer = filter
		return upgrade.Run(p.HelmRelease, loaded, p.Values)
	}
	return h.watched(ctx, run, opts)
}

// watched runs one of helm's actions to its end. Helm's client fails once the context has
// ended, which is what stops the action.
func (h *helm) watched(ctx context.Context, run func() (*helmrelease.Release, error), opts releaseOptions) (*helmrelease.Release, error) {
	type outcome struct {
		release *helmrelease.Release
		err     error
	}
	ended := make(chan outcome, 1)
	go func() {
		release, err := run()
		ended <- outcome{release, err}
	}()
	select {
	case o := <-ended:
		return o.release, o.err
	case <-ctx.Done():
	}
	grace := graceAfterCancel
	if opts.atomic {
		grace += opts.timeout
	}
	select {
	case o := <-ended:
		if o.err == nil {
			return o.release, nil
		}
		return o.release, joinErr(context.Cause(ctx), o.err)
	case <-time.After(grace):
		return nil, fmt.Errorf("%w, and helm had not ended %s later: it may still be at work", context.Cause(ctx), grace)
	}
}

// busy explains a revision that is under way, or was left so by a run that was killed.
// Nothing in the cluster tells these two apart but time.
func busy(last *helmrelease.Release) error {
	if last == nil || !last.Info.Status.IsPending() && last.Info.Status != helmrelease.StatusUninstalling {
		return nil
	}
	since := last.Info.LastDeployed
	if last.Info.Status == helmrelease.StatusUninstalling {
		since = last.Info.Deleted
	}
	return &Error{
		Err: fmt.Errorf("%w: helm release %s, revision %d, is in state %s since %s (%s ago)", ErrBusy, last.Name, last.Version,
			last.Info.Status, since.UTC().Format("2006-01-02 15:04:05 MST"), time.Since(since.Time).Round(time.Second)),
		Advice: fmt.Sprintf("wait for it to end; if nothing is at work any more, it was killed: remove its record with `kubectl delete secret -n %s sh.helm.release.v1.%s.v%d` and run this again",
			last.Namespace, last.Name, last.Version),
	}
}

// explainHelm puts what helm says into our words.
func explainHelm(err error) error {
	switch {
	case err == nil:
		return nil
	// Helm does not export these.
	case strings.Contains(err.Error(), "another operation (install/upgrade/rollback) is in progress"),
		errors.Is(err, driver.ErrReleaseExists), strings.Contains(err.Error(), "cannot re-use a name that is still in use"):
		return withHint(joinErr(ErrBusy, fmt.Errorf("%w: it was quicker than this one", ErrBusy)), "wait until it has ended, then run this again")
	case strings.Contains(err.Error(), "invalid ownership metadata"):
		return withHint(err, "the object named was made by someone else or by another helm release: remove it, or install under its release's name with --helm-release and --namespace")
	default:
		return explain(err)
	}
}

// postRenderer drops objects from what helm is about to apply.
type postRenderer struct{ drop func(chart.Object) bool }

// Run filters the manifest.
func (r postRenderer) Run(manifest *bytes.Buffer) (*bytes.Buffer, error) {
	kept, err := chart.Without(manifest.String(), r.drop)
	return bytes.NewBufferString(kept), err
}

// stateOf says in words what state a helm release is in; errors are said too, for this
// stands in the message of another error.
func (h *helm) stateOf(name string) string {
	history, err := h.config.Releases.History(name)
	if errors.Is(err, driver.ErrReleaseNotFound) || err == nil && len(history) == 0 {
		return "there is no helm release " + name + " now"
	}
	if err != nil {
		return fmt.Sprintf("the state of helm release %s is not known: %v", name, err)
	}
	newest, deployed := history[0], (*helmrelease.Release)(nil)
	for _, release := range history {
		if release.Version > newest.Version {
			newest = release
		}
		if release.Info.Status == helmrelease.StatusDeployed {
			deployed = release
		}
	}
	text := fmt.Sprintf("helm release %s is now at revision %d in state %s", name, newest.Version, newest.Info.Status)
	if deployed != nil && deployed.Version != newest.Version {
		text += fmt.Sprintf("; revision %d was the last that worked", deployed.Version)
	}
	return text
}
