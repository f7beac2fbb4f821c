package charts

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/inventory"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/chart/packed"
	"github.com/pgrelocate/pgrelocate/internal/chart/survey"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// ChartRelocation is what relocating a chart takes besides the settings.
type ChartRelocation struct {
	SurveyOptions
	// Accept are the places that may name what is not in the private registry.
	Accept []naming.Accept
	// Optional takes along what the chart runs only once something is switched on, and what it
	// only lists.
	Optional bool
	// Publish puts the chart there a second time, under PublishVersion and with values that name
	// the private registry. An empty version is the chart's own with "relocated".
	Publish        bool
	PublishVersion string
	// DryRun moves nothing.
	DryRun bool
	// Lock is the file into which the private registry's holdings are written afterwards; empty
	// for none. Overwrite lets it replace a file that is no lock.
	Lock      string
	Overwrite bool
}

// RelocatedChart is a chart that names nothing but the private registry with its values.
type RelocatedChart struct {
	*Surveyed
	// Values are to be laid over the user's own.
	Values map[string]any
	// Target is where the chart is; Published where its second version is, zero without one.
	Target, Published ref.Reference
	// Plan is what a copy would do, where nothing is to be moved; Copied is what it did.
	Plan   *plan.Plan
	Copied *copying.Copied
	// Failures is as in Copied, or in Planned where nothing is to be moved.
	Failures error
}

// RelocateChart copies a chart with its images into the private registry. It finds and proves the
// values with which the chart names nothing else before it moves anything. The result is nil
// where it did not come to planning; otherwise it is there beside an error too.
func RelocateChart(ctx context.Context, s *relocate.Session, opts ChartRelocation) (*RelocatedChart, error) {
	opts.Switches = opts.Optional
	found := &Surveyed{}
	looking := surveying{Session: s, opts: opts.SurveyOptions, made: found}
	r := &relocating{Copying: copying.Copying{Planning: copying.Planning{Session: s}}, opts: opts, found: found}
	steps := []func(context.Context) error{
		func(context.Context) error { return inventory.ClaimLock(opts.Lock, opts.Overwrite) },
		looking.open, // find the chart and read it
		looking.look, // what it runs, and which values move that
		r.rewrite,    // the values for this registry
		r.prove,      // nothing else is named with them
		r.tellUnsaid, // which repositories have no tag
		r.republish,  // the second chart, where one is wanted
		r.choose,     // the chart and its images
		r.connect,    // a client of each registry
		r.Compare,    // what is where, and what has to move
	}
	if !opts.DryRun {
		steps = append(steps, r.Transfer, r.publish, r.lock)
	}
	err := relocate.Run(ctx, steps...)
	return r.result(), err
}

// relocating is a chart that is being relocated.
type relocating struct {
	copying.Copying
	opts  ChartRelocation
	found *Surveyed

	moved     *survey.Moved
	rendering *chart.Rendering // with the values
	second    *chart.Chart     // nil where none is wanted
	published ref.Reference
}

func (r *relocating) result() *RelocatedChart {
	if r.Plan == nil {
		return nil
	}
	made := &RelocatedChart{
		Surveyed: r.found, Values: r.moved.Values, Target: r.target(), Published: r.published,
		Plan: r.Plan, Copied: r.Copied,
	}
	if r.Copied != nil {
		made.Failures = r.Copied.Failures
	} else if r.opts.DryRun {
		made.Failures = relocate.FailuresOfPlan(r.Plan)
	}
	return made
}

// folder is the folder that everything goes to.
func (r *relocating) folder() ref.Folder { return r.Config.Registry }

func (r *relocating) render() chart.RenderOptions {
	opts := r.opts.Render
	opts.Confinement = r.Session.Options.Confinement
	return opts
}

func (r *relocating) rewrite(context.Context) error {
	r.moved = r.found.Values(r.folder(), r.opts.Optional)
	if r.opts.Optional {
		for _, image := range r.found.Images {
			if len(image.Uses) == 0 {
				at := r.folder().Reference(image.Ref.Repository, image.Ref.Tag)
				if at.Tag == "" {
					at.Digest = image.Ref.Digest
				}
				r.moved.Images = append(r.moved.Images, survey.Relocated{Source: image.Ref, Target: at})
			}
		}
	}
	return nil
}

// prove renders with the values and holds that against the proof: the values are a guess until then.
func (r *relocating) prove(ctx context.Context) error {
	rendering, err := r.found.Chart.Render(ctx, chart.Lay(r.moved.Values, r.found.values), r.render())
	if err != nil {
		return fmt.Errorf("with the values that were found: %w", err)
	}
	r.rendering = rendering
	return checkProof(r.Copying.Session, rendering, r.proof(), r.found.Chart.Version())
}

// proof is what has to hold of the chart with its values.
func (r *relocating) proof() naming.Proof {
	origin := r.found.Origin
	for _, image := range r.found.Images {
		origin.Images = append(origin.Images, image.Ref)
	}
	return naming.Proof{Target: r.folder(), Origin: origin, Accept: r.opts.Accept}
}

// checkProof tells of what is accepted, and fails where the proof does not hold.
func checkProof(s *relocate.Session, rendering *chart.Rendering, proof naming.Proof, release string) error {
	found := proof.Check(rendering)
	for _, place := range found.Accepted {
		text := fmt.Sprintf("accepted: %s: %s", place.Use, place.Text)
		if place.Reason != "" {
			text += " (" + place.Reason + ")"
		}
		s.Warn(text)
	}
	for _, unused := range found.Unused {
		s.Warn(fmt.Sprintf("nothing had to be accepted at %s", unused))
	}
	if len(found.Open) > 0 {
		return &preparation.ProofError{Target: proof.Target, Release: release, Places: found.Open}
	}
	return nil
}

// UncopiedError says that manifests name images in the private registry that nothing is copied to.
type UncopiedError struct{ Images []string }

// Error lists them.
func (e *UncopiedError) Error() string {
	return "the values make up images that were not found before: " + strings.Join(e.Images, ", ")
}

// choose takes the images that are named with the values, those that stay where they are
// because that was accepted, and the chart.
func (r *relocating) choose(context.Context) error {
	named := map[ref.Reference]bool{}
	for _, image := range naming.ImagesOf(r.rendering, r.proof().Origin) {
		named[image.Ref] = true
	}
	var artifacts []versions.Artifact
	reached := map[ref.Reference]bool{}
	for _, image := range r.moved.Images {
		at := image.Target
		at.Digest = image.Source.Digest
		if at = at.Canonical(); !r.opts.Optional && !named[at] && !named[image.Source] {
			continue // with the values the chart makes another of it
		}
		reached[at] = true
		artifacts = append(artifacts, r.artifact(versions.RoleChartImage, image.Source, image.Target))
	}
	if err := copying.Pinned(r.Config, artifacts); err != nil {
		return err
	}
	var unknown []string
	for image := range named {
		if r.folder().Holds(image) && !reached[image] {
			unknown = append(unknown, image.String())
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return &UncopiedError{Images: unknown}
	}
	r.Artifacts = append(artifacts, r.artifact(versions.RoleChart, r.found.Source, r.target()))
	return nil
}

func (r *relocating) artifact(role versions.Role, source, target ref.Reference) versions.Artifact {
	return versions.Artifact{Product: r.found.Chart.Name(), Release: r.found.Chart.Version(), Role: role, Source: source, Target: target}
}

// target is where the chart goes: where it comes from a registry its path stays.
func (r *relocating) target() ref.Reference {
	repository := path.Join("charts", r.found.Chart.Name())
	if r.found.Digest != "" {
		repository = r.found.Source.Repository
	}
	return r.folder().Reference(repository, chart.Tag(r.found.Chart.Version()))
}

// connect opens the registries. A chart that comes from none is served from memory.
func (r *relocating) connect(ctx context.Context) error {
	s := r.Session
	target, err := s.Clients.Target(ctx, true)
	if err != nil {
		return err
	}
	owner, images := r.found.Source.Host, r.Artifacts[:len(r.Artifacts)-1]
	if r.found.Digest == "" {
		owner = onlyHost(images)
	}
	charts, err := r.fromMemory(ctx, images, owner)
	if err != nil {
		return err
	}
	r.Sides = registry.Endpoints{Target: target, Source: func(host string) (registry.Source, error) {
		if charts != nil && host == r.found.Source.Host {
			return charts, nil
		}
		return s.Clients.Source(ctx, host, owner)
	}}
	return nil
}

// fromMemory is the chart as a source, and before it the registry of its host where images come
// from there too; nil where the chart is in a registry.
func (r *relocating) fromMemory(ctx context.Context, images []versions.Artifact, owner string) (registry.Source, error) {
	if r.found.Digest != "" {
		return nil, nil
	}
	host := r.found.Source.Host
	var beyond registry.Source
	if slices.ContainsFunc(images, func(a versions.Artifact) bool { return a.Source.Host == host }) {
		client, err := r.Clients.Source(ctx, host, owner)
		if err != nil {
			return nil, err
		}
		beyond = client
	}
	charts := packed.New(beyond)
	_, err := charts.Add(r.found.Source.Repository, r.found.Chart, nil)
	return charts, err
}

// onlyHost is the one host that artifacts come from; empty where there are several.
func onlyHost(artifacts []versions.Artifact) string {
	host := ""
	for _, artifact := range artifacts {
		if host != "" && artifact.Source.Host != host {
			return ""
		}
		host = artifact.Source.Host
	}
	return host
}

// republish makes the second chart and proves it, before anything moves.
func (r *relocating) republish(ctx context.Context) (err error) {
	if !r.opts.Publish {
		return nil
	}
	version := r.publishVersion()
	if chart.Tag(version) == chart.Tag(r.found.Chart.Version()) {
		return exit.Usagef("version %s is the chart's own, which stays as it is: publish it under another", version)
	}
	if r.second, err = r.found.Chart.Republished(version, r.moved.Values); err != nil {
		return &exit.UsageError{Err: fmt.Errorf("publishing version %q: %w", version, err)}
	}
	rendering, err := r.second.Render(ctx, r.found.values, r.render())
	if err != nil {
		return fmt.Errorf("with its new default values: %w", err)
	}
	return checkProof(r.Copying.Session, rendering, r.proof(), version)
}

// publish puts the second chart beside the first, and notes in its manifest what it was made from.
func (r *relocating) publish(ctx context.Context) error {
	if r.second == nil {
		return nil
	}
	first := r.Plan.Artifacts[len(r.Plan.Artifacts)-1]
	at := r.target()
	at.Tag = chart.Tag(r.second.Version())
	charts := packed.New(nil)
	origin := map[string]string{chart.AnnotationBaseName: r.target().String(), chart.AnnotationBaseDigest: first.Digest}
	if _, err := charts.Add(at.Repository, r.second, origin); err != nil {
		return err
	}
	second := &copying.Copying{Planning: copying.Planning{Session: r.Session, Sides: r.Sides}}
	second.Sides.Source = func(string) (registry.Source, error) { return charts, nil }
	second.Artifacts = []versions.Artifact{r.artifact(versions.RoleChart, ref.Reference{Host: localCharts, Repository: at.Repository, Tag: at.Tag}, at)}
	if err := relocate.Run(ctx, second.Make, second.Transfer); err != nil {
		return fmt.Errorf("publishing %s: %w", at, errors.Join(err, onlyFailure(second.Copied)))
	}
	r.published = at
	return nil
}

// lock writes down what the private registry holds of it now.
func (r *relocating) lock(ctx context.Context) error {
	all := r.Artifacts
	if !r.published.IsZero() {
		all = append(slices.Clone(all), r.artifact(versions.RoleChart, r.published, r.published))
	}
	return inventory.WriteLockOf(ctx, r.Session, all, r.opts.Lock, r.opts.Overwrite)
}

// tellUnsaid warns of repositories that the chart names without a tag: what it gives them to adds
// the tag, so that nobody can tell which image that will be, and none is copied.
func (r *relocating) tellUnsaid(context.Context) error {
	for _, name := range naming.UntaggedIn(r.rendering, r.proof().Origin) {
		r.Warn(fmt.Sprintf("%s names %s without a tag: which image runs is not said, and none was copied for it", name.Use, name.Repository))
	}
	return nil
}

// onlyFailure is why the one artifact of a copy failed.
func onlyFailure(copied *copying.Copied) error {
	var partial *exit.PartialError
	if copied == nil || !errors.As(copied.Failures, &partial) {
		return nil
	}
	return errors.Join(partial.Errors...)
}

// publishVersion is the version of the second chart.
func (r *relocating) publishVersion() string {
	switch own := r.found.Chart.Version(); {
	case r.opts.PublishVersion != "":
		return r.opts.PublishVersion
	case strings.Contains(own, "+"):
		return own + ".relocated"
	default:
		return own + "+relocated"
	}
}
