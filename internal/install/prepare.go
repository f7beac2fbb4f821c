package install

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
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Prepared is a release ready to install.
type Prepared struct {
	Subject
	Traits Traits
	// Chart is the chart, ChartDigest its manifest's; empty for a chart from a file.
	Chart       *chart.Chart
	ChartDigest string
	// Values are the rewritten values with the user's own over them.
	Values map[string]any
	// Rendering is what helm will install.
	Rendering *chart.Rendering
	// Images are all images of the rendering, by name; nil where they were not asked for.
	Images []ResolvedImage
	// Unmirrored are the names of the versions in the rendering whose image is not there.
	Unmirrored []string
	// Notices are what a user should know.
	Notices []string

	// leaveOut drops objects from what helm renders; nil drops none.
	leaveOut func(chart.Object) bool
}

// Prepare pulls the chart unless the subject has one, rewrites the values, renders with
// what is known of the cluster, and makes sure that no source registry is left. It asks the
// registry for nothing else: see Resolve.
func Prepare(ctx context.Context, subject Subject, reg verify.Puller, render chart.RenderOptions) (*Prepared, error) {
	p := &Prepared{Subject: subject, Traits: TraitsOf(subject.Product), Chart: subject.Chart}
	if p.Chart == nil {
		if err := p.pullChart(ctx, reg); err != nil {
			return nil, err
		}
	}
	rewritten, absent, err := RewrittenValues(ctx, subject, reg)
	if err != nil {
		return nil, err
	}
	if len(absent) > 0 {
		p.Notices = append(p.Notices, strings.Join(absent, ", ")+" was not relocated and cannot be used")
	}
	if err := p.checkValues(); err != nil {
		return nil, err
	}
	if p.Values, err = subject.User.Over(rewritten); err != nil {
		return nil, err
	}
	render.Release, render.Namespace = subject.HelmRelease, subject.Namespace
	if p.Rendering, err = p.render(ctx, render); err != nil {
		return nil, err
	}
	return p, p.checkSources(p.Rendering)
}

func (p *Prepared) pullChart(ctx context.Context, reg verify.Puller) error {
	at := slices.IndexFunc(p.Artifacts, func(a versions.Artifact) bool { return a.Role == versions.RoleChart })
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
		return &AbsentError{Target: p.Target, Release: p.Release.Name, Chart: ref.String(), Err: cluster.Wrap(ErrNotMirrored, err)}
	}
	if err != nil {
		return fmt.Errorf("pulling chart %s: %w", ref, err)
	}
	return nil
}

// checkValues refuses a chart that knows none of the values which name images: it belongs
// to another release, and would be installed with the vendor's registry.
func (p *Prepared) checkValues() error {
	unknown, err := p.Chart.UnknownValues(p.Release.Values)
	if err != nil {
		return err
	}
	if len(unknown) == 0 {
		return nil
	}
	if len(unknown) == len(p.Release.Values) {
		return &OtherReleaseError{Chart: p.Chart.Name() + " " + p.Chart.Version(), Release: p.Release.Name}
	}
	p.Notices = append(p.Notices, fmt.Sprintf("chart %s %s has no value %s", p.Chart.Name(), p.Chart.Version(), strings.Join(unknown, ", ")))
	return nil
}

// render renders with what the cluster answers, if one is given. What templates look up may not
// be there yet, or may not be looked at; then they are rendered as if nothing was there, and
// what helm makes of them is checked before it is sent.
func (p *Prepared) render(ctx context.Context, opts chart.RenderOptions) (*chart.Rendering, error) {
	if opts.Live != nil {
		rendering, err := p.Chart.Render(ctx, p.Values, opts)
		if err == nil || ctx.Err() != nil {
			return rendering, err
		}
		opts.Live = nil
	}
	return p.Chart.Render(ctx, p.Values, opts)
}

// checkSources finds what still names a source registry.
func (p *Prepared) checkSources(rendering *chart.Rendering) error {
	if left := rendering.Leftovers(p.sources(), p.Target.String()); len(left) > 0 {
		return &LeftoverError{Places: left}
	}
	return nil
}

// checkSent holds what helm is about to send against what was found good: it names no source
// registry, and no image that the private registry was not asked for.
func (p *Prepared) checkSent(rendering *chart.Rendering) error {
	if err := p.checkSources(rendering); err != nil {
		return &RefusedManifestError{Err: err}
	}
	var unknown []string
	for _, image := range rendering.Images() {
		if !slices.ContainsFunc(p.Images, func(known ResolvedImage) bool { return known.Ref == image.Ref }) {
			unknown = append(unknown, image.Ref.String()+" in "+image.Uses[0].String())
		}
	}
	if len(unknown) > 0 {
		return &RefusedManifestError{Err: &UnaskedError{Images: unknown}}
	}
	return nil
}

// sources are the registries, with their folders, that must not be left: the vendor's own,
// which charts name by default, and the one that was copied from.
func (p *Prepared) sources() []string {
	all := []string{}
	add := func(source string) {
		if source != p.Target.String() && !slices.Contains(all, source) {
			all = append(all, source)
		}
	}
	release := p.Release
	for _, image := range []*versions.Image{release.Chart, release.Operator} {
		if image != nil {
			add(image.Registry.String())
		}
	}
	for _, instance := range release.Instances {
		add(instance.Registry.String())
	}
	for _, extra := range release.Extras {
		add(extra.Registry.String())
	}
	for _, artifact := range p.Artifacts {
		folder := ""
		if at := strings.LastIndexByte(artifact.Source.Repository, '/'); at >= 0 {
			folder = artifact.Source.Repository[:at]
		}
		add(ref.Folder{Host: artifact.Source.Host, Path: folder}.String())
	}
	return all
}

// usesCertManager tells whether the product, or what its chart renders, needs cert-manager.
func (p *Prepared) usesCertManager() bool {
	return p.Traits.NeedsCertManager || cluster.UseCertManager(p.Rendering.Objects)
}
