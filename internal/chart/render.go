package chart

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
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
}

// Rendering is what a chart comes to with certain values.
type Rendering struct {
	// Objects are all objects in the order of the manifest: those of crds/ first, hooks last.
	Objects []Object
}

// Object is one rendered object.
type Object struct {
	unstructured.Unstructured
	// Text is its YAML as rendered.
	Text string
	// FromCRDs says that it comes from the chart's crds/ folder.
	FromCRDs bool
	// Hook says that helm runs it as a hook.
	Hook bool
}

// IsCRD tells whether the object is a CustomResourceDefinition. Their schemas carry
// defaults that look like images and are none.
func (o Object) IsCRD() bool { return o.GetKind() == "CustomResourceDefinition" }

// Title names the object in messages, "Deployment postgres-system/postgres-operator".
func (o Object) Title() string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// Render renders the chart without a cluster: templates, hooks and crds/.
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
	install := action.NewInstall(&action.Configuration{Log: func(string, ...any) {}})
	install.ClientOnly, install.DryRun, install.Replace = true, true, true
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

// add appends the objects of a YAML stream; like gives what the stream says of each.
func (r *Rendering) add(stream string, like Object) error {
	return eachObject(stream, func(object Object) {
		object.FromCRDs, object.Hook = like.FromCRDs, like.Hook
		r.Objects = append(r.Objects, object)
	})
}

// Without drops objects from a manifest, and returns the rest of it as it was.
func Without(manifest string, drop func(Object) bool) (string, error) {
	kept := &Rendering{}
	err := eachObject(manifest, func(object Object) {
		if !drop(object) {
			kept.Objects = append(kept.Objects, object)
		}
	})
	return kept.Manifest(), err
}

// Without drops objects from the rendering.
func (r *Rendering) Without(drop func(Object) bool) *Rendering {
	return &Rendering{Objects: slices.DeleteFunc(slices.Clone(r.Objects), drop)}
}

// Manifest is the rendering as one YAML stream, CRDs first.
func (r *Rendering) Manifest() string {
	var out strings.Builder
	for _, object := range r.Objects {
		out.WriteString("---\n")
		out.WriteString(object.Text)
	}
	return out.String()
}

// ParseManifest reads a YAML stream of objects, such as the manifest that a helm release
// has kept.
func ParseManifest(manifest string) (*Rendering, error) {
	rendering := &Rendering{}
	return rendering, rendering.add(manifest, Object{})
}

// eachObject reads a YAML stream, passing over documents that hold nothing.
func eachObject(stream string, do func(Object)) error {
	reader := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(stream)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the rendered chart: %w", err)
		}
		var object Object
		if err := yaml.Unmarshal(text, &object.Object); err != nil {
			return fmt.Errorf("reading the rendered chart: %w", err)
		}
		if len(object.Object) > 0 {
			object.Text = strings.TrimSpace(string(text)) + "\n"
			do(object)
		}
	}
}
