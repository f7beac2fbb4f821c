package charts

import (
	"context"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/chart/survey"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// SurveyOptions say which chart is looked at, and with which values.
type SurveyOptions struct {
	Chart ChartName
	// User are the values that the chart is rendered with.
	User   chart.UserValues
	Render chart.RenderOptions
	// Switches looks behind what is switched off too.
	Switches bool
}

// Surveyed is what was found out of a chart.
type Surveyed struct {
	*survey.Survey
	Chart *chart.Chart
	// Source is where the chart is, Digest its manifest's; empty where it is in no registry.
	Source ref.Reference
	Digest string
	// Keys are the values that move the images, as helm's --set takes them. Unreached are the
	// places that none of them leads anywhere else.
	Keys      []string
	Unreached []naming.Mention

	values map[string]any // the user's
}

// ChartImages lists what a chart runs, and how each image could be moved. Nothing is changed
// anywhere.
func ChartImages(ctx context.Context, s *relocate.Session, opts SurveyOptions) (*Surveyed, error) {
	v := &surveying{Session: s, opts: opts, made: &Surveyed{}}
	err := relocate.Run(ctx,
		v.open,  // find the chart and read it
		v.look,  // render it, several times
		v.solve, // with which values it could be moved
		v.tellUntagged,
	)
	if err != nil {
		return nil, err
	}
	return v.made, nil
}

// surveying is a survey that is being made.
type surveying struct {
	*relocate.Session
	opts SurveyOptions
	made *Surveyed
}

func (v *surveying) open(ctx context.Context) error {
	found, err := openChart(ctx, v.Session, v.opts.Chart)
	if err != nil {
		return err
	}
	v.made.Chart, v.made.Source, v.made.Digest = found.Chart, found.Source, found.Digest
	v.made.values, err = v.opts.User.Over(ctx, nil)
	return err
}

func (v *surveying) look(ctx context.Context) (err error) {
	v.opts.Render.Confinement = v.Session.Options.Confinement
	v.Note("rendering %s %s, several times", v.made.Chart.Name(), v.made.Chart.Version())
	v.made.Survey, err = survey.Look(ctx, v.made.Chart, survey.Options{
		Values: v.made.values, Render: v.opts.Render, Switches: v.opts.Switches,
		Rendered: func(count int) { v.Detail("rendering %d", count) },
	})
	return err
}

// anywhere stands for a registry where only what would have to be set is asked.
var anywhere = ref.Folder{Host: "registry.example.com", Path: "mirror"}

// tellUntagged tells of repositories without a tag: they are no images, and something will be
// pulled from them all the same. So it is with what is no reference.
func (v *surveying) tellUntagged(context.Context) error {
	for _, name := range naming.UntaggedIn(v.made.Rendering, v.made.Origin) {
		v.Warn(fmt.Sprintf("%s names %s without a tag: what is pulled from there is not said", name.Use, name.Repository))
	}
	warnOfUnreadable(v.Session, naming.UnreadableIn(v.made.Rendering))
	return nil
}

// warnOfUnreadable tells of containers whose image cannot be read: what is listed is without them.
func warnOfUnreadable(s *relocate.Session, all []naming.Unreadable) {
	for _, each := range all {
		s.Warn(fmt.Sprintf("%s is no reference to an image, and is left out: %q", each.Use, each.Text))
	}
}

func (v *surveying) solve(context.Context) error {
	moved := v.made.Values(anywhere, false)
	v.made.Keys, v.made.Unreached = moved.Keys, moved.Unreached
	return nil
}
