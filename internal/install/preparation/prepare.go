package preparation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Prepared is a release ready to install.
type Prepared struct {
	Subject
	// Chart is the chart, ChartDigest its manifest's; empty for a chart from a file.
	Chart       *chart.Chart
	ChartDigest string
	// Values are the rewritten values with the user's own over them.
	Values map[string]any
	// Rendering is what helm will install.
	Rendering *chart.Rendering
	// Images are all images of the rendering, by name; nil where they were not asked for.
	Images []ResolvedImage
	// Unmirrored are the names of the versions in the rendering whose image is not there; what
	// else names such an image is named by its place.
	Unmirrored []string
	// LeftOut are those that were in the rendering until OnlyMirrored took them out.
	LeftOut []string
	// Accepted is how many places name what is not below the target, and may.
	Accepted int
	// Notices are what a user should know.
	Notices []string
	// Edit changes what helm renders; nil changes nothing. More is installed beside that.
	Edit chart.Edit
	More []chart.Object

	// paths lead to the values that name images.
	paths [][]string
	asked *presence
}

// Prepare pulls the chart unless the subject has one, rewrites the values, renders with
// what is known of the cluster, and proves that every image in the manifests lies below the
// target. It asks the registry for the images that values name, and for nothing else: see
// Resolve. With a *ProofError comes what was prepared, for its notices may tell the reason.
func Prepare(ctx context.Context, subject Subject, reg verify.Puller, render chart.RenderOptions) (*Prepared, error) {
	p := &Prepared{Subject: subject, Chart: subject.Chart, asked: &presence{registry: reg}}
	defaults, err := p.defaults(ctx, reg, render.Confinement)
	if err != nil {
		return nil, err
	}
	rewritten, err := subject.rewrite(defaults, func(a versions.Artifact) (bool, error) { return p.asked.has(ctx, a) })
	if err != nil {
		return nil, err
	}
	p.Notices, p.paths = rewritten.Notices(), rewritten.Paths
	for _, fields := range rewritten.Objects {
		object, err := chart.NewObject(fields)
		if err != nil {
			return nil, err
		}
		p.More = append(p.More, object)
	}
	if p.Values, err = subject.User.Over(ctx, rewritten.Values); err != nil {
		return nil, err
	}
	render.Release, render.Namespace = subject.HelmRelease, subject.Namespace
	if err := p.render(ctx, defaults, render); err != nil {
		return nil, err
	}
	p.Rendering = p.Rendering.With(p.More...)
	return p, p.prove(ctx)
}

// defaults are the chart's own values, for which the chart is pulled where that was not done.
func (p *Prepared) defaults(ctx context.Context, reg verify.Puller, confinement chart.Confinement) (map[string]any, error) {
	if p.Chart == nil {
		if err := p.pullChart(ctx, reg); err != nil {
			return nil, err
		}
	}
	return p.Chart.Defaults(ctx, confinement)
}

// pullChart pulls the chart by the tag that a relocation puts.
func (p *Prepared) pullChart(ctx context.Context, reg verify.Puller) error {
	at := slices.IndexFunc(p.Artifacts, func(a versions.Artifact) bool { return a.Role == versions.RoleChart && a.Name == p.Part })
	if at < 0 {
		return &NoChartError{Product: p.Product.Name, Release: p.Release.Name}
	}
	ref := p.Artifacts[at].Target
	manifest, err := reg.Resolve(ctx, ref.Repository, ref.Tag)
	if err == nil {
		p.ChartDigest = manifest.Digest.String()
		p.Chart, err = chart.Fetch(ctx, reg, ref.Repository, p.ChartDigest)
	}
	if errors.Is(err, registry.ErrNotFound) {
		return &AbsentError{Target: p.Target, Product: p.Product.Name, Release: p.Release.Name, Chart: ref.String(), Err: cluster.Wrap(ErrNotMirrored, err)}
	}
	if err != nil {
		return fmt.Errorf("pulling chart %s: %w", ref, err)
	}
	return nil
}

// render renders, and refuses a chart that knows none of the values which name images: it
// belongs to another release, and would be installed with the vendor's registry.
func (p *Prepared) render(ctx context.Context, defaults map[string]any, opts chart.RenderOptions) error {
	other := &OtherReleaseError{Chart: p.Chart.Name() + " " + p.Chart.Version(), Release: p.Release.Name}
	var err error
	if p.Rendering, err = p.renderLive(ctx, opts); err != nil {
		var kube *chart.KubeVersionError
		if !errors.As(err, &kube) && chart.KnowsNone(p.paths, defaults) && ctx.Err() == nil {
			return cluster.Wrap(other, err)
		}
		return err
	}
	for _, address := range p.Rendering.Unchecked {
		p.Notices = append(p.Notices, fmt.Sprintf("the values were not held against the chart's schema: it refers to %q, and nothing is fetched from there", address))
	}
	unknown, err := p.Chart.UnknownValues(ctx, p.paths, defaults, p.Values, p.Rendering, opts)
	if err != nil || len(unknown) == 0 {
		return err
	}
	if chart.KnowsNone(p.paths, defaults) && len(unknown) == chart.CountSet(p.paths, p.Values) {
		return other
	}
	p.Notices = append(p.Notices, fmt.Sprintf("chart %s %s makes no use of %s", p.Chart.Name(), p.Chart.Version(), strings.Join(unknown, ", ")))
	return nil
}

// renderLive renders with what the cluster answers, if one is given. What templates look up may
// not be there yet, or may not be looked at; then they are rendered as if nothing was there, and
// what helm makes of them is checked before it is sent.
func (p *Prepared) renderLive(ctx context.Context, opts chart.RenderOptions) (*chart.Rendering, error) {
	rendering, err := p.Chart.Render(ctx, p.Values, opts)
	var limit *chart.LimitError
	if err == nil || opts.Live == nil || ctx.Err() != nil || errors.As(err, &limit) {
		return rendering, err
	}
	opts.Live = nil
	return p.Chart.Render(ctx, p.Values, opts)
}

// Needed are what the product, its chart, or what that renders, needs of what is known.
func (p *Prepared) Needed() []cluster.Prerequisite {
	required := p.Requires()
	var all []cluster.Prerequisite
	for _, known := range p.Prerequisites {
		if slices.Contains(required, known.Product) || known.UsedBy(p.Rendering.Objects) {
			known.Of = p.Part
			all = append(all, known)
		}
	}
	return all
}
