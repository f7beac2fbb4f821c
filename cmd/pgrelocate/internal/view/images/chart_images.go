package images

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/charts"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/chart/survey"
)

// ChartImages is the result of `pgrelocate chart images`.
type ChartImages struct {
	output.Header
	// Chart and Version are the chart's own; Source is its reference and Digest its manifest's,
	// where it is in a registry.
	Chart   string           `json:"chart"`
	Version string           `json:"version"`
	Source  string           `json:"source,omitempty"`
	Digest  string           `json:"digest,omitempty"`
	Images  []chartImageView `json:"images"`
	// Values are the keys that move all that the chart runs, as helm's --set takes them.
	Values []string `json:"values"`
	// Failing are switches that the chart cannot be rendered with by themselves, so that what is
	// behind them is not known; Exhausted says that the search was cut short.
	Failing   []string `json:"failing,omitempty"`
	Exhausted bool     `json:"exhausted,omitempty"`
}

type chartImageView struct {
	Image string `json:"image"`
	// Runs says that the chart names the image as it is.
	Runs bool `json:"runs"`
	// Switches are values that have to be true together for it to be named.
	Switches []string `json:"switches,omitempty"`
	// Annotated says that the chart's Chart.yaml lists it.
	Annotated bool `json:"annotated,omitempty"`
	// InValues is the key of the chart's own value that names it, where no rendering does.
	InValues string `json:"inValues,omitempty"`
	// Values are the keys of values that lead to it, any of which moves it.
	Values []string `json:"values"`
	// Places are all that name it, Unreached those to which no value leads.
	Places    []placeView `json:"places"`
	Unreached []placeView `json:"unreached,omitempty"`
}

// placeView is a field of an object.
type placeView struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Path      string `json:"path"`
}

func newPlaceViews(uses []naming.Use) []placeView {
	all := make([]placeView, len(uses))
	for i, use := range uses {
		all[i] = placeView{use.Kind, use.Namespace, use.Name, use.Path}
	}
	return all
}

// NewChartImages shows what was found out of a chart.
func NewChartImages(found *charts.Surveyed) ChartImages {
	made := ChartImages{
		Header: output.NewHeader("ChartImages"), Chart: found.Chart.Name(), Version: found.Chart.Version(),
		Digest: found.Digest, Images: []chartImageView{}, Values: append([]string{}, found.Keys...),
		Failing: found.Failing, Exhausted: found.Exhausted,
	}
	if found.Digest != "" {
		made.Source = found.Source.String()
	}
	for _, image := range found.Images {
		made.Images = append(made.Images, newChartImageView(image))
	}
	return made
}

func newChartImageView(image survey.ChartImage) chartImageView {
	return chartImageView{
		Image: image.Ref.String(), Runs: image.Runs(), Switches: image.Switches, Annotated: image.Annotated, InValues: image.InValues,
		Values: append([]string{}, image.Values...),
		Places: newPlaceViews(image.Uses), Unreached: newPlaceViews(image.Unled),
	}
}

// WriteTable writes a line for each image, and what moves them.
func (v ChartImages) WriteTable(w io.Writer) error {
	grid := output.NewGrid("IMAGE", "RUNS", "VALUE", "PLACE")
	for _, image := range v.Images {
		grid.Row(image.Image, image.when(), image.lead(), image.place())
	}
	if _, err := grid.WriteTo(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s %s: %s\n%s", v.Chart, v.Version, output.Count(len(v.Images), "image"), v.move())
	return err
}

// when says when the image runs.
func (v chartImageView) when() string {
	switch {
	case v.Runs:
		return "always"
	case len(v.Switches) > 0:
		return "with " + strings.Join(v.Switches, "+")
	case v.InValues != "" && !v.Annotated:
		return "in values"
	default:
		return "listed"
	}
}

// lead is the value that moves the image.
func (v chartImageView) lead() string {
	switch {
	case len(v.Values) == 0 && len(v.Places) == 0:
		return v.InValues
	case len(v.Values) == 0:
		return "none"
	case len(v.Unreached) > 0:
		return more(v.Values[0], len(v.Values)) + ", not everywhere"
	default:
		return more(v.Values[0], len(v.Values))
	}
}

// more is the first of several.
func more(first string, total int) string {
	if total == 1 {
		return first
	}
	return fmt.Sprintf("%s (+%d)", first, total-1)
}

// place is the first place, with the number of others.
func (v chartImageView) place() string {
	if len(v.Places) == 0 {
		return ""
	}
	first := v.Places[0]
	return more(naming.Use{Kind: first.Kind, Namespace: first.Namespace, Name: first.Name, Path: first.Path}.String(), len(v.Places))
}

// move says what would have to be set.
func (v ChartImages) move() string {
	if len(v.Values) == 0 {
		return ""
	}
	return "to move what runs always, set " + strings.Join(v.Values, ", ") + "\n"
}
