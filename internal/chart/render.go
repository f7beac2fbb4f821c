package chart

import (
	"context"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
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

// Render renders the chart: templates, hooks and crds/. Nothing is asked of a cluster but what
// templates look up, and that only of opts.Live. Errors wrap a *KubeVersionError where the
// chart does not take the Kubernetes that it is rendered for.
func (c *Chart) Render(ctx context.Context, values map[string]any, opts RenderOptions) (*Rendering, error) {
	rel, crds, err := c.dryRun(ctx, values, opts)
	if err != nil {
		return nil, fmt.Errorf("rendering chart %s %s: %w", c.Name(), c.Version(), err)
	}
	rendering := &Rendering{}
	for _, crd := range crds {
		if err := rendering.add(crd, Object{FromCRDs: true}); err != nil {
			return nil, err
		}
	}
	if err := rendering.add(rel.Manifest, Object{}); err != nil {
		return nil, err
	}
	for _, hook := range rel.Hooks {
		if err := rendering.add(hook.Manifest, Object{Hook: true}); err != nil {
			return nil, err
		}
	}
	return rendering, nil
}

// dryRun lets helm render, and hands back the documents of crds/ beside the release.
func (c *Chart) dryRun(ctx context.Context, values map[string]any, opts RenderOptions) (*release.Release, []string, error) {
	loaded, err := c.Helm()
	if err != nil {
		return nil, nil, err
	}
	if opts.KubeVersion == "" {
		opts.KubeVersion = DefaultKubeVersion
	}
	version, err := chartutil.ParseKubeVersion(opts.KubeVersion)
	if err != nil {
		return nil, nil, fmt.Errorf("kubernetes version %q: %w", opts.KubeVersion, err)
	}
	if wants := loaded.Metadata.KubeVersion; wants != "" && !chartutil.IsCompatibleRange(wants, version.String()) {
		return nil, nil, &KubeVersionError{Wants: wants, Has: version.String()}
	}
	config := &action.Configuration{Log: func(string, ...any) {}}
	install := action.NewInstall(config)
	install.ClientOnly, install.DryRun, install.Replace = true, true, true
	if opts.Live != nil {
		// Helm's name for a dry run whose templates may look things up.
		config.RESTClientGetter, install.DryRunOption = opts.Live, "server"
	}
	install.ReleaseName, install.Namespace = opts.Release, opts.Namespace
	install.KubeVersion, install.APIVersions = version, opts.APIVersions
	install.IsUpgrade = opts.Upgrade
	rel, err := install.RunWithContext(ctx, loaded, copyValues(values))
	if err != nil {
		return nil, nil, err
	}
	var crds []string
	for _, crd := range loaded.CRDObjects() {
		crds = append(crds, string(crd.File.Data))
	}
	return rel, crds, nil
}
