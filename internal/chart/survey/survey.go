// Package survey finds out of a chart that nobody has described what a relocation needs to know:
// which images it runs, which of its values lead to them, and what it runs only when something is
// switched on. It knows no chart by name. It renders the chart several times, each time with
// some values marked or switched on, and looks at what becomes of the images.
//
//	found, err := survey.Look(ctx, chart, survey.Options{…})
//	moved := found.Values(target)
//
// What it finds is a guess until a naming.Proof holds of a rendering with the values.
package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Options steer Look.
type Options struct {
	// Values are the user's own, over the chart's.
	Values map[string]any
	// Render says how the chart is rendered. Release and Namespace are needed.
	Render chart.RenderOptions
	// Switches looks for what the chart runs only when something is switched on.
	Switches bool
	// Most is how many renderings are made at most; 0 is DefaultMost. Where they are used up,
	// Survey.Exhausted says so.
	Most int
	// Rendered is told of each rendering; it may be nil.
	Rendered func(count int)
}

// DefaultMost is enough for the largest charts in common use.
const DefaultMost = 150

// mostMentions is in how many places a chart may name images. Each is held against the others.
const mostMentions = 10_000

// ErrTooMany: a chart names images in more places than any honest one.
var ErrTooMany = errors.New("it names images in too many places")

// Survey is what was found out of a chart.
type Survey struct {
	// Images are all images, those that run as things are first.
	Images []ChartImage
	// Rendering is the chart with the user's values, nothing marked.
	Rendering *chart.Rendering
	// Origin are the images that values name in parts.
	Origin naming.Origin
	// Exhausted says that there may be more to find: the renderings were used up.
	Exhausted bool
	// Failing are the switches that the chart cannot be rendered with by themselves.
	Failing []string

	gates []change // without which the chart does not take other images
	marks []mark
	views []*view // with the user's values, and with switches on
}

// ChartImage is an image that a chart runs, or can run.
type ChartImage struct {
	Ref ref.Reference
	// Uses are the places that name it; none where only an annotation does.
	Uses []naming.Use
	// Values are the keys of values that lead to it, as helm's --set takes them. Unled are the
	// places to which no value leads.
	Values []string
	Unled  []naming.Use
	// Switches are values that have to be true together for it to run; none where it runs anyway.
	Switches []string
	// Annotated says that the chart's Chart.yaml lists it.
	Annotated bool
	// InValues is the key of a value that names it, or holds its parts, where no rendering does: what
	// brings it is no switch, or wants more than that. Empty for all others.
	InValues string
}

// Runs tells whether the chart names the image as things are.
func (i ChartImage) Runs() bool { return len(i.Uses) > 0 && len(i.Switches) == 0 }

// view is the chart with certain values.
type view struct {
	values, all map[string]any
	rendering   *chart.Rendering
	mentions    []naming.Mention
	leads       [][]lead // of each mention, the likeliest first
	flips       []string // what is switched on
}

// surveyor is a survey that is being made.
type surveyor struct {
	Options
	chart   *chart.Chart
	count   int
	marks   []mark
	refused []int // marks that the chart does not take by themselves
	failing []string
	shown   map[string][]ref.Reference // the images of a rendering, by what was switched on
	survey  *Survey
}

// Look surveys a chart. The error is that of rendering it with the user's values.
func Look(ctx context.Context, c *chart.Chart, opts Options) (*Survey, error) {
	opts.Most = cmp.Or(opts.Most, DefaultMost)
	s := &surveyor{Options: opts, chart: c, survey: &Survey{}, shown: map[string][]ref.Reference{}}
	coalesced, err := c.Coalesce(ctx, opts.Values, opts.Render.Confinement)
	if err != nil {
		return nil, err
	}
	s.survey.Origin = originOf(coalesced.Values)
	s.survey.Origin.Images = append(s.survey.Origin.Images, c.AnnotatedImages()...)
	rendering, err := s.render(ctx, opts.Values)
	if err != nil {
		return nil, err
	}
	s.survey.Rendering = rendering
	if err := s.look(ctx, &view{values: opts.Values, all: coalesced.Values, rendering: rendering}); err != nil {
		return nil, err
	}
	if opts.Switches {
		if err := s.lookBehindSwitches(ctx, coalesced); err != nil {
			return nil, err
		}
		if err := s.lookIntoValues(ctx, coalesced); err != nil {
			return nil, err
		}
	}
	s.survey.marks, s.survey.Failing = s.marks, s.failing
	s.survey.addAnnotated(c)
	s.survey.sum()
	s.survey.Exhausted = s.spent()
	return s.survey, nil
}

func (s *surveyor) render(ctx context.Context, values map[string]any) (*chart.Rendering, error) {
	s.count++
	if s.Rendered != nil {
		s.Rendered(s.count)
	}
	return s.chart.Render(ctx, values, s.Options.Render)
}

// spent tells whether no more renderings are to be made.
func (s *surveyor) spent() bool { return s.count >= s.Most }

// look finds the images of a rendering and the values that lead to them.
func (s *surveyor) look(ctx context.Context, v *view) error {
	s.survey.views = append(s.survey.views, v)
	v.mentions = naming.Mentions(v.rendering, s.survey.Origin)
	if len(v.mentions) > mostMentions {
		return fmt.Errorf("%w: more than %d", ErrTooMany, mostMentions)
	}
	v.leads = make([][]lead, len(v.mentions))
	if err := s.trace(ctx, v, s.add(ctx, candidates(v.all, v.mentions, s.survey.Origin))); err != nil {
		return err
	}
	if err := s.openGates(ctx, v); err != nil {
		return err
	}
	if err := s.trace(ctx, v, s.add(ctx, empties(v.all))); err != nil {
		return err
	}
	return s.traceAlone(ctx, v)
}

// add adds marks and returns their numbers. A value that is marked already keeps its mark. It
// stops early where ctx ends.
func (s *surveyor) add(ctx context.Context, marks []mark) []int {
	numbers := make([]int, len(marks))
	for i, m := range marks {
		if ctx.Err() != nil {
			return numbers[:i]
		}
		numbers[i] = slices.IndexFunc(s.marks, m.same)
		if numbers[i] < 0 {
			numbers[i] = len(s.marks)
			s.marks = append(s.marks, m)
		}
	}
	return numbers
}

// addAnnotated adds what the chart's Chart.yaml lists.
func (f *Survey) addAnnotated(c *chart.Chart) {
	for _, image := range c.AnnotatedImages() {
		f.image(image, nil).Annotated = true
	}
}

// image is the entry of an image under certain switches. What runs anyway has one entry.
func (f *Survey) image(image ref.Reference, switches []string) *ChartImage {
	for i := range f.Images {
		if known := &f.Images[i]; known.Ref == image && (switches == nil || len(known.Switches) == 0 || slices.Equal(known.Switches, switches)) {
			return known
		}
	}
	f.Images = append(f.Images, ChartImage{Ref: image, Switches: switches})
	return &f.Images[len(f.Images)-1]
}

// sum makes the list of images of what was seen in all views.
func (f *Survey) sum() {
	for _, v := range f.views {
		for i, m := range v.mentions {
			image := f.entry(v, m)
			if image == nil || slices.Contains(image.Uses, m.Use) {
				continue
			}
			image.Uses = append(image.Uses, m.Use)
			if len(v.leads[i]) == 0 {
				image.Unled = append(image.Unled, m.Use)
			}
			for _, l := range v.leads[i] {
				if key := f.marks[l.mark].at.key(); !slices.Contains(image.Values, key) {
					image.Values = append(image.Values, key)
				}
			}
		}
	}
	slices.SortStableFunc(f.Images, func(a, b ChartImage) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Ref.String(), b.Ref.String()))
	})
}

func rank(i ChartImage) int {
	switch {
	case i.Runs():
		return 0
	case len(i.Switches) > 0:
		return 1
	default:
		return 2
	}
}

// entry is the image that a mention belongs to; nil where it names none, or one of which another
// view tells.
func (f *Survey) entry(v *view, m naming.Mention) *ChartImage {
	if m.Repository {
		return nil
	}
	if len(v.flips) == 0 {
		return f.image(m.Image, nil)
	}
	for i := range f.Images {
		if known := &f.Images[i]; known.Ref == m.Image && len(known.Switches) > 0 {
			return known
		}
	}
	return nil
}
