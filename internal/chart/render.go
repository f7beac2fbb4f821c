package chart

import (
	"context"
	"errors"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
)

// DefaultKubeVersion is the Kubernetes that charts are rendered for where no cluster
// says otherwise. Helm's own default is so old that charts with a kubeVersion range fail.
const DefaultKubeVersion = "v1.36.0"

// RenderOptions steer Render. Release and Namespace are needed; the rest has defaults.
type RenderOptions struct {
	// Release is the name of the helm release.
	Release string
	// Namespace is where the release goes.
	Namespace string
	// KubeVersion is the cluster's version, "v1.36.3"; DefaultKubeVersion when empty.
	KubeVersion string
	// APIVersions are what the cluster knows beyond Kubernetes' own, "cert-manager.io/v1".
	APIVersions []string
	// Upgrade renders as for a release that exists.
	Upgrade bool
	// Live is a cluster that answers what templates look up, as it will when helm installs; nil
	// answers that there is nothing.
	Live Live
	// Confinement is what the chart is rendered in. A chart that looks things up is rendered once
	// more with the answers, in this process and without a bound on its memory, for nothing
	// that reaches a cluster is handed to a chart's process.
	Confinement Confinement
}

// Live is a connection to a cluster. (It is what helm calls a RESTClientGetter.)
type Live = action.RESTClientGetter

// KubeVersionError says that a chart does not take the Kubernetes that it is rendered for.
type KubeVersionError struct {
	// Wants is the chart's range, ">=1.30.0"; Has is the version that it was to be rendered for.
	Wants, Has string
}

// Error names both.
func (e *KubeVersionError) Error() string {
	return fmt.Sprintf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", e.Wants, e.Has)
}

// Render renders the chart: templates, hooks and crds/. What it reads is the chart and the
// values, and nothing else of this machine or the network; of a cluster nothing is asked but what
// templates look up, and that only of opts.Live. Errors wrap a *KubeVersionError where the chart
// does not take the Kubernetes that it is rendered for, and a *LimitError where rendering took
// more than opts.Confinement allows.
func (c *Chart) Render(ctx context.Context, values map[string]any, opts RenderOptions) (*Rendering, error) {
	rendering, err := c.render(ctx, values, opts)
	if err != nil {
		return nil, fmt.Errorf("rendering chart %s %s: %w", c.Name(), c.Version(), err)
	}
	return rendering, nil
}

func (c *Chart) render(ctx context.Context, values map[string]any, opts RenderOptions) (*Rendering, error) {
	if opts.KubeVersion == "" {
		opts.KubeVersion = DefaultKubeVersion
	}
	if c.meta.Type == "library" {
		return nil, errors.New("it is a library, for other charts to use, and installs nothing")
	}
	version, err := chartutil.ParseKubeVersion(opts.KubeVersion)
	if err != nil {
		return nil, fmt.Errorf("kubernetes version %q: %w", opts.KubeVersion, err)
	}
	if wants := c.meta.KubeVersion; wants != "" && !chartutil.IsCompatibleRange(wants, version.String()) {
		return nil, &KubeVersionError{Wants: wants, Has: version.String()}
	}
	asked := request{
		Archive: c.archive, Values: valuetree.CopyValues(values),
		Release: opts.Release, Namespace: opts.Namespace, Upgrade: opts.Upgrade,
		KubeVersion: opts.KubeVersion, APIVersions: opts.APIVersions,
	}
	made, err := opts.Confinement.run(ctx, asked)
	if err == nil && opts.Live != nil && made.LooksUp {
		asked.live = opts.Live
		made, err = opts.Confinement.inPlace(ctx, asked)
	}
	if err != nil {
		return nil, err
	}
	return made.rendering()
}

// Defaults are the values that the chart ships.
func (c *Chart) Defaults(ctx context.Context, confinement Confinement) (map[string]any, error) {
	made, err := confinement.run(ctx, request{Archive: c.archive, OnlyDefaults: true})
	if err != nil {
		return nil, fmt.Errorf("reading chart %s %s: %w", c.Name(), c.Version(), err)
	}
	return made.Defaults, nil
}
