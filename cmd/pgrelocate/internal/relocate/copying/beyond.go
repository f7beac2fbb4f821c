package copying

import (
	"context"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// beyondTimeout is how long a run may take to find out what its charts run. It is a service: a
// chart that cannot be had or rendered in that time costs nothing but the knowledge.
const beyondTimeout = 15 * time.Second

// takeChartImages adds what the charts at the source run to what is planned.
func (p *Planning) takeChartImages(ctx context.Context) (err error) {
	p.Artifacts, err = p.WithChartImages(ctx, p.Artifacts, p.Config.Registry, relocate.AtSource(p.Sides.Source))
	return err
}

// fetchBeyond finds out what the charts of a plan run that is not selected. The charts are
// fetched from their source for it.
func (p *Planning) fetchBeyond(ctx context.Context) error {
	return p.findBeyond(ctx, func(ctx context.Context, a *plan.Artifact) (*chart.Chart, error) {
		source, err := p.Sides.Source(a.Source.Host)
		if err != nil {
			return nil, err
		}
		return chart.Fetch(ctx, source, a.Source.Repository, a.Digest)
	})
}

// keepBeyond does the same with those charts that have passed by, and fetches none. A shard knows a part of
// what is selected: whoever made the plan has been told.
func (c *Copying) keepBeyond(ctx context.Context) error {
	if c.asked.Shard.Moves() {
		return nil
	}
	return c.findBeyond(ctx, func(_ context.Context, a *plan.Artifact) (*chart.Chart, error) {
		layer, ok := packedLayer(a)
		if !ok {
			return nil, nil
		}
		packed := c.capture.Captured(layer)
		if packed == nil {
			return nil, nil
		}
		return chart.Parse(packed)
	})
}

// findBeyond renders charts; open gives nil for one that is not to be had. Only the end of the
// context is an error.
func (p *Planning) findBeyond(ctx context.Context, open func(context.Context, *plan.Artifact) (*chart.Chart, error)) error {
	if len(p.Options.Confinement.Command) == 0 {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, beyondTimeout)
	defer cancel()
	for _, a := range p.Plan.Artifacts {
		if a.Role != versions.RoleChart || a.Digest == "" {
			continue
		}
		packed, err := open(bounded, a)
		if err == nil && packed != nil {
			err = p.addBeyond(bounded, a, packed)
		}
		if err != nil {
			p.Detail("what chart %s runs is not known: %v", a.Source, err)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// addBeyond renders one chart as its vendor made it.
func (p *Planning) addBeyond(ctx context.Context, a *plan.Artifact, packed *chart.Chart) error {
	family, err := p.FamilyOf(a.Release, p.Artifacts)
	if err != nil {
		return err
	}
	images, err := p.BeyondOf(ctx, packed, family)
	for _, image := range images {
		if name := image.String(); !slices.Contains(p.beyond, name) && !p.takes(family, image) {
			p.beyond = append(p.beyond, name)
		}
	}
	return err
}

// takes tells whether an image is one that the chart has brought into the selection.
func (p *Planning) takes(family relocate.Family, image ref.Reference) bool {
	at := family.Artifact(image, ref.Folder{}, relocate.TargetOf(p.Config.Registry, family.Product)).Target
	return slices.ContainsFunc(p.Artifacts, func(a versions.Artifact) bool { return a.Role == versions.RoleChartImage && a.Target == at })
}

// watchCharts has every blob that is read from a source pass by the capture.
func (c *Copying) watchCharts(context.Context) error {
	open := c.Sides.Source
	c.Sides.Source = func(host string) (registry.Source, error) {
		source, err := open(host)
		if err != nil {
			return nil, err
		}
		return c.capture.Source(source), nil
	}
	return nil
}

// wantCharts has the charts that are to be moved kept as they pass by.
func (c *Copying) wantCharts(context.Context) error {
	for _, a := range c.Plan.Artifacts {
		if layer, ok := packedLayer(a); ok && a.Role == versions.RoleChart {
			c.capture.Want(layer)
		}
	}
	return nil
}

// packedLayer is the layer with the packed chart, where the plan has the chart's manifest.
func packedLayer(a *plan.Artifact) (v1.Descriptor, bool) {
	for _, manifest := range a.Manifests {
		links, err := oci.Parse(manifest.Manifest)
		if err != nil {
			continue
		}
		if layer, err := chart.PackedLayer(links); err == nil {
			return layer, true
		}
	}
	return v1.Descriptor{}, false
}
