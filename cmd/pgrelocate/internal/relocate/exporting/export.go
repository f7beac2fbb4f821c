package exporting

import (
	"context"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/rendering"
	"github.com/pgrelocate/pgrelocate/internal/formats"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// The formats that take more than a list; see formats.Format for the others.
const (
	ArgoCD          formats.Format = "argocd"
	Flux            formats.Format = "flux"
	AdmissionPolicy formats.Format = "admission-policy"
)

// Formats are all that Export writes.
func Formats() []formats.Format {
	return []formats.Format{formats.Images, formats.Regsync, formats.Skopeo, formats.Hauler, formats.OCMirror, ArgoCD, Flux, AdmissionPolicy}
}

// Options are what writing a neighbour's format takes besides the settings.
type Options struct {
	Format formats.Format
	// Lock is a file with a lock, which counts instead of the selection; empty is none.
	Lock        string
	Destination reaching.Destination
	// Offline asks the private registry nothing, where the format names the chart's values.
	Offline bool
	// Policy is for AdmissionPolicy.
	Policy formats.PolicyOptions
}

// Export writes what is selected, or what a lock has, in the format of another tool.
func Export(ctx context.Context, s *relocate.Session, opts Options) ([]byte, error) {
	e := &exporting{Session: s, opts: opts}
	err := relocate.Run(ctx, e.choose, e.write)
	return e.text, err
}

// exporting is a run of Export that is under way.
type exporting struct {
	*relocate.Session
	opts  Options
	items []formats.Item
	text  []byte
}

func (e *exporting) choose(ctx context.Context) error {
	if e.opts.Lock == "" {
		selected, err := e.Artifacts(e.Config.Registry)
		for _, a := range selected {
			e.items = append(e.items, formats.Item{Artifact: a})
		}
		return err
	}
	found, err := bundle.ReadLock(ctx, e.opts.Lock)
	if err != nil {
		return exit.Misread(err)
	}
	for i, a := range found.ArtifactsFor(e.Config.Registry) {
		e.items = append(e.items, formats.Item{Artifact: a, Digest: found.Artifacts[i].Digest.String()})
	}
	return nil
}

func (e *exporting) write(ctx context.Context) (err error) {
	switch e.opts.Format {
	case AdmissionPolicy:
		e.text, err = formats.Policy(e.items, e.opts.Policy)
	case ArgoCD, Flux:
		return e.deployment(ctx)
	default:
		e.text, err = formats.Export(e.opts.Format, e.items)
	}
	if err != nil {
		return &exit.UsageError{Err: err}
	}
	return nil
}

// deployment names the operator's chart with the values that name the private registry.
func (e *exporting) deployment(ctx context.Context) error {
	product, err := e.Product()
	if err != nil {
		return err
	}
	place := e.opts.Destination.Of(product)
	chart, err := e.operatorsChart(product.Name)
	if err != nil {
		return err
	}
	values, err := rendering.Values(ctx, e.Session, rendering.ValuesOptions{Destination: e.opts.Destination, Offline: e.opts.Offline})
	if err != nil {
		return err
	}
	d := formats.Deployment{Chart: chart, Name: place.HelmRelease, Namespace: place.Namespace, Values: values, PullSecret: place.PullSecret}
	if e.opts.Format == Flux {
		e.text, err = formats.Flux(d)
		return err
	}
	e.text, err = formats.ArgoCD(d)
	return err
}

// ChartsError says that there is not one chart of a product to deploy, but none or several.
type ChartsError struct {
	Product string
	Found   int
}

// Error says so.
func (e *ChartsError) Error() string {
	return fmt.Sprintf("%d charts of %s are there, and one is to be deployed", e.Found, e.Product)
}

// operatorsChart is the chart of the one release that is chosen.
func (e *exporting) operatorsChart(product string) (formats.Item, error) {
	var found []formats.Item
	for _, i := range e.items {
		if i.Role == versions.RoleChart && i.Product == product && i.Name == "" {
			found = append(found, i)
		}
	}
	if len(found) != 1 {
		return formats.Item{}, &exit.UsageError{Err: &ChartsError{Product: product, Found: len(found)}}
	}
	return found[0], nil
}

// NeedsLock tells whether a format can be written of a lock only.
func NeedsLock(format formats.Format) error {
	if format == AdmissionPolicy {
		return fmt.Errorf("%s names images by digest, and only a lock knows these", format)
	}
	return nil
}
