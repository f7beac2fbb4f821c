package preparation

import (
	"context"
	"errors"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/chart/pinning"
	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Pin names by digest, in values that Values has made, those of the subject's images that the chart
// puts together from values in parts, as far as rendering it proves that: none where the registry does not
// have the chart.
func Pin(ctx context.Context, subject Subject, reg verify.Puller, values map[string]any, render chart.RenderOptions) (*pinning.Pinned, error) {
	p := &Prepared{Subject: subject, Chart: subject.Chart, asked: &presence{registry: reg}}
	if p.Chart == nil {
		if err := p.pullChart(ctx, reg); errors.Is(err, ErrNotMirrored) {
			return &pinning.Pinned{Values: values}, nil
		} else if err != nil {
			return nil, err
		}
	}
	all, err := p.Chart.Coalesce(ctx, values, render.Confinement)
	if err != nil {
		return nil, err
	}
	render.Release, render.Namespace = subject.HelmRelease, subject.Namespace
	asked := pinning.Pinning{
		Values: values, All: all.Values, Origin: naming.OriginOf(subject.Artifacts, subject.Release), Tags: map[ref.Reference][]string{},
		Render: func(ctx context.Context, values map[string]any) (*chart.Rendering, error) {
			return p.Chart.Render(ctx, values, render)
		},
		Digest: func(ctx context.Context, image ref.Reference) (string, error) {
			found, err := reg.Resolve(ctx, image.Repository, image.Tag)
			return found.Digest.String(), err
		},
	}
	for _, a := range subject.Artifacts {
		if a.Role == versions.RoleChart || a.Target.Digest != "" {
			continue
		}
		asked.Images = append(asked.Images, a.Target)
		if at := subject.tagOf(a, values); at != nil {
			asked.Tags[a.Target] = at
		}
	}
	return asked.Pin(ctx)
}

// tagOf is the path of the value that is an image's tag; nil where there is none.
func (s Subject) tagOf(a versions.Artifact, values map[string]any) []string {
	for _, value := range s.values() {
		if value.Each != "" || value.Tree != "{"+a.CalledInValues()+".tag}" {
			continue
		}
		if at := value.Path(versions.Fill{}); valuetree.LookUp(values, at) == any(a.Target.Tag) {
			return at
		}
	}
	return nil
}

// Names tells whether the chart's own values, as the catalogue has them, name an image.
func (s Subject) Names(a versions.Artifact) bool {
	return slices.ContainsFunc(s.values(), func(v versions.Value) bool { return slices.Contains(v.Images(), a.CalledInValues()) })
}
