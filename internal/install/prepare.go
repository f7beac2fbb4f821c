package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Subject is what is to be installed, and where it lies.
type Subject struct {
	Product *versions.Product
	Release *versions.Release
	// Artifacts are all of the release, whatever was relocated, with their targets.
	Artifacts []versions.Artifact
	// Target is the folder in the private registry.
	Target ref.Folder
	// Chart is the chart to use; nil is pulled from the registry.
	Chart *chart.Chart
	// PullSecret is the name of the pull secret; empty puts none into the values.
	PullSecret string
	// User are the user's own values, laid over the rewritten ones.
	User chart.UserValues
	// HelmRelease and Namespace are where it goes.
	HelmRelease, Namespace string
}

// Image is an image of a rendering, and what the private registry says to it.
type Image struct {
	chart.Image
	// Needed says that a workload runs it. Others are offered: they run once somebody
	// picks them.
	Needed bool
	// Digest is what the private registry has; empty where Err or Foreign is set.
	Digest string
	// Foreign says that it is not in the private registry, so that nobody was asked.
	Foreign bool
	// Err is why it cannot be pulled; ErrNotMirrored where it is not there.
	Err error
}

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
	Images []Image
	// Unmirrored are the names of the versions in the rendering whose image is not there.
	Unmirrored []string
	// Notices are what a user should know.
	Notices []string

	// leaveOut drops objects from what helm renders; nil drops none.
	leaveOut func(chart.Object) bool
}

// RewrittenValues computes the values that name the private registry. Extras are named
// only where the registry has them; their names are returned where not. A nil registry
// takes all of them to be there.
func RewrittenValues(ctx context.Context, subject Subject, reg Registry) (values map[string]any, absent []string, err error) {
	var artifacts []versions.Artifact
	for _, artifact := range subject.Artifacts {
		if artifact.Role == versions.RoleExtra && reg != nil {
			_, err := reg.Resolve(ctx, artifact.Target.Repository, artifact.Target.Tag)
			if errors.Is(err, registry.ErrNotFound) {
				absent = append(absent, artifact.Extra)
				continue
			}
			if err != nil {
				return nil, nil, err
			}
		}
		artifacts = append(artifacts, artifact)
	}
	return chart.Rewrite(subject.Release.Values, artifacts, subject.PullSecret), absent, nil
}

// Prepare pulls the chart unless the subject has one, rewrites the values, renders with
// what is known of the cluster, and proves that no source registry is left. It asks the
// registry for nothing else: see Resolve.
func Prepare(ctx context.Context, subject Subject, reg Registry, render chart.RenderOptions) (*Prepared, error) {
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
	if p.Rendering, err = p.Chart.Render(ctx, p.Values, render); err != nil {
		return nil, err
	}
	return p, p.prove()
}

func (p *Prepared) pullChart(ctx context.Context, reg Registry) error {
	at := slices.IndexFunc(p.Artifacts, func(a versions.Artifact) bool { return a.Role == versions.RoleChart })
	if at < 0 {
		return withHint(fmt.Errorf("no chart is known for %s %s", p.Product.Name, p.Release.Name), "name one with --chart FILE")
	}
	ref := p.Artifacts[at].Target
	manifest, err := reg.Resolve(ctx, ref.Repository, ref.Tag)
	if err == nil {
		p.ChartDigest = manifest.Digest.String()
		p.Chart, err = chart.Fetch(ctx, reg, ref.Repository, p.ChartDigest)
	}
	if errors.Is(err, registry.ErrNotFound) {
		return withHint(fmt.Errorf("chart %s: %w", ref, joinErr(ErrNotMirrored, err)),
			"relocate the release first: pgrelocate copy --registry "+p.Target.String()+" --release "+p.Release.Name)
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
		return withHint(fmt.Errorf("chart %s %s knows none of the values of %s", p.Chart.Name(), p.Chart.Version(), p.Release.Name),
			"name the release that the chart belongs to: --release")
	}
	p.Notices = append(p.Notices, fmt.Sprintf("chart %s %s has no value %s", p.Chart.Name(), p.Chart.Version(), strings.Join(unknown, ", ")))
	return nil
}

// prove finds what still names a source registry.
func (p *Prepared) prove() error {
	left := p.Rendering.Leftovers(p.sources(), p.Target.String())
	if len(left) == 0 {
		return nil
	}
	var lines []string
	for _, each := range left {
		lines = append(lines, each.Use.String()+": "+each.Text)
	}
	return &Error{
		Err:     fmt.Errorf("the rendered chart still names the source registry in %d places", len(left)),
		Details: lines,
		Advice:  "set these with --set or -f values.yaml, or check that your own values do not name it",
	}
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

// workloads are the kinds that run their images as soon as they exist.
var workloads = []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"}

// needed tells whether a workload runs the image, as opposed to naming it in an argument.
func needed(image chart.Image) bool {
	return slices.ContainsFunc(image.Uses, func(use chart.Use) bool {
		return slices.Contains(workloads, use.Kind) && strings.HasSuffix(use.Path, ".image")
	})
}

// Resolve asks the private registry, with the credentials of reg, for every image of the
// rendering. It fails where the registry refuses the credentials or an image that is
// needed is not there; versions without their image end up in Unmirrored.
func (p *Prepared) Resolve(ctx context.Context, reg Registry) error {
	p.Images = nil
	for _, image := range p.Rendering.Images() {
		p.Images = append(p.Images, Image{Image: image, Needed: needed(image), Foreign: !p.isOurs(image.Ref)})
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range p.Images {
		if image := &p.Images[i]; !image.Foreign {
			group.Go(func() error { return image.resolve(ctx, reg) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return p.judge()
}

func (p *Prepared) isOurs(ref ref.Reference) bool {
	return ref.Host == p.Target.Host
}

// resolve fails only where asking for the other images makes no sense either.
func (i *Image) resolve(ctx context.Context, reg Registry) error {
	descriptor, err := reg.Resolve(ctx, i.Ref.Repository, referenceOf(i.Ref))
	switch {
	case err == nil:
		i.Digest = descriptor.Digest.String()
	case errors.Is(err, registry.ErrNotFound):
		i.Err = joinErr(ErrNotMirrored, err)
	case errors.Is(err, registry.ErrUnauthorized), ctx.Err() != nil:
		return fmt.Errorf("asking for %s with the pull credentials: %w", i.Ref, err)
	default:
		i.Err = err
	}
	return nil
}

// referenceOf is the digest, or the tag where there is none.
func referenceOf(ref ref.Reference) string {
	if ref.Digest != "" {
		return ref.Digest
	}
	return ref.Tag
}

func (p *Prepared) judge() error {
	var lines []string
	var cause error
	for _, image := range p.Images {
		switch {
		case image.Foreign && image.Needed:
			p.Notices = append(p.Notices, fmt.Sprintf("%s is not in %s and was not checked", image.Ref, p.Target.Host))
		case image.Err != nil && image.Needed:
			lines = append(lines, fmt.Sprintf("%s: %v", image.Ref, image.Err))
			cause = image.Err
		case image.Err != nil:
			p.Unmirrored = append(p.Unmirrored, p.versionsOf(image.Image)...)
		}
	}
	slices.Sort(p.Unmirrored)
	p.Unmirrored = slices.Compact(p.Unmirrored)
	if lines == nil {
		return nil
	}
	return &Error{
		Err:     joinErr(cause, fmt.Errorf("%d images that the operator needs cannot be pulled", len(lines))),
		Details: lines,
		Advice:  "relocate them first: pgrelocate copy --registry " + p.Target.String() + " --release " + p.Release.Name,
	}
}

// versionsOf names the versions that offer an image; other uses are named as they are.
func (p *Prepared) versionsOf(image chart.Image) []string {
	var names []string
	for _, use := range image.Uses {
		if use.Kind == p.Traits.Version.Kind {
			names = append(names, use.Name)
		} else {
			names = append(names, use.String())
		}
	}
	return names
}

// OnlyMirrored leaves the versions whose image is not in the registry out of the release.
func (p *Prepared) OnlyMirrored() {
	left := p.Unmirrored
	p.leaveOut = func(object chart.Object) bool {
		return object.GetKind() == p.Traits.Version.Kind && slices.Contains(left, object.GetName())
	}
	p.Rendering = p.Rendering.Without(p.leaveOut)
}
