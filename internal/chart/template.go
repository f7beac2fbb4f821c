package chart

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"helm.sh/helm/v3/pkg/action"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
)

// request is what is asked of the process that reads and renders a chart.
type request struct {
	Archive []byte
	// OnlyDefaults asks for the chart's own values, and renders nothing.
	OnlyDefaults bool
	// Coalesce asks for all values, those of subcharts too, and renders nothing.
	Coalesce           bool
	Values             map[string]any
	Release, Namespace string
	KubeVersion        string
	APIVersions        []string
	Upgrade            bool

	live Live // stays in this process
}

// response is what comes back from there.
type response struct {
	Defaults map[string]any
	// Conditions are those of subcharts; see Coalesced.
	Conditions []string
	Objects    []drawn
	Unchecked  []string
	LooksUp    bool
	// TooLarge says that there were more manifests than anyone wants to read.
	TooLarge bool
	// Err is why there are no objects; empty where there are.
	Err string
}

// drawn is an object of a response.
type drawn struct {
	Text           string
	JSON           []byte
	FromCRDs, Hook bool
}

// carryOut does what the request asks for, in this process.
func (r request) carryOut(ctx context.Context) (*response, error) {
	switch {
	case r.Coalesce:
		return r.coalesce()
	case !r.OnlyDefaults:
		return r.render(ctx)
	}
	loaded, err := load(r.Archive)
	if err != nil {
		return nil, err
	}
	return &response{Defaults: loaded.Values}, nil
}

func (r request) render(ctx context.Context) (*response, error) {
	unchecked, err := r.checkValues()
	if err != nil {
		return nil, err
	}
	rel, crds, err := r.dryRun(ctx)
	if err != nil {
		return nil, err
	}
	made := &response{Unchecked: unchecked, LooksUp: rel.Chart != nil && looksUp(rel.Chart)}
	for _, crd := range crds {
		if err := made.add(crd, drawn{FromCRDs: true}); err != nil {
			return nil, err
		}
	}
	if err := made.add(rel.Manifest, drawn{}); err != nil {
		return nil, err
	}
	for _, hook := range rel.Hooks {
		if err := made.add(hook.Manifest, drawn{Hook: true}); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// dryRun lets helm render, and hands back the documents of crds/ beside the release.
func (r request) dryRun(ctx context.Context) (*release.Release, []string, error) {
	loaded, err := load(r.Archive)
	if err != nil {
		return nil, nil, err
	}
	version, err := chartutil.ParseKubeVersion(r.KubeVersion)
	if err != nil {
		return nil, nil, err
	}
	config := &action.Configuration{Log: func(string, ...any) {}}
	install := action.NewInstall(config)
	install.ClientOnly, install.DryRun, install.Replace = true, true, true
	if r.live != nil {
		// Helm's name for a dry run whose templates may look things up.
		config.RESTClientGetter, install.DryRunOption = r.live, "server"
	}
	install.ReleaseName, install.Namespace = r.Release, r.Namespace
	install.KubeVersion, install.APIVersions = version, r.APIVersions
	install.IsUpgrade = r.Upgrade
	install.SkipSchemaValidation = true // helm would fetch what the schema refers to: see checkValues
	rel, err := install.RunWithContext(ctx, loaded, valuetree.CopyValues(r.Values))
	if err != nil {
		return nil, nil, err
	}
	var crds []string
	for _, crd := range loaded.CRDObjects() {
		crds = append(crds, string(crd.File.Data))
	}
	return rel, crds, nil
}

// looksUp tells whether a template of the chart, or of a subchart, has the word.
func looksUp(chart *helmchart.Chart) bool {
	return slices.ContainsFunc(chart.Templates, func(f *helmchart.File) bool { return bytes.Contains(f.Data, []byte("lookup")) }) ||
		slices.ContainsFunc(chart.Dependencies(), looksUp)
}

// add appends the objects of a YAML stream; like gives what the stream says of each.
func (r *response) add(stream string, like drawn) error {
	var failed error
	err := eachObject(stream, func(object Object) {
		encoded, err := json.Marshal(object.Object)
		if err != nil {
			failed = fmt.Errorf("reading the rendered chart: %w", err)
		}
		r.Objects = append(r.Objects, drawn{Text: object.Text, JSON: encoded, FromCRDs: like.FromCRDs, Hook: like.Hook})
	})
	return cmp.Or(err, failed)
}

// rendering reads a response.
func (r *response) rendering() (*Rendering, error) {
	rendering := &Rendering{Unchecked: r.Unchecked, LooksUp: r.LooksUp, Objects: make([]Object, len(r.Objects))}
	for i, made := range r.Objects {
		object := &rendering.Objects[i]
		object.Text, object.FromCRDs, object.Hook = made.Text, made.FromCRDs, made.Hook
		if err := utiljson.Unmarshal(made.JSON, &object.Object); err != nil {
			return nil, fmt.Errorf("reading the rendered chart: %w", err)
		}
	}
	return rendering, nil
}
