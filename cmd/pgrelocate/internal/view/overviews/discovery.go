package overviews

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
)

// Discovery is the result of `pgrelocate versions --discover`.
type Discovery struct {
	output.Header
	Product string `json:"product"`
	Title   string `json:"title"`
	// Source is where was looked.
	Source string `json:"source"`
	// Current is the newest release in the private registry or, without --registry, in the
	// catalogue; Newest is the newest at the source, previews aside.
	Current string `json:"current"`
	Newest  string `json:"newest"`
	// UpdateAvailable says that Newest is newer than Current.
	UpdateAvailable bool `json:"updateAvailable"`
	// NewVersions are the PostgreSQL versions of the newest release that are newer than all of
	// their major in the current one; where versions belong to no release, those at the source.
	NewVersions []string `json:"newVersions"`
	// Releases are those at the source and in the catalogue, newest first, or those that were asked for.
	Releases []discoveredView `json:"releases"`

	width int // of the terminal; 0 is none
}

type discoveredView struct {
	Release string `json:"release"`
	// Known says that the catalogue has it, AtSource that tags at the source tell of it.
	Known    bool `json:"known"`
	AtSource bool `json:"atSource"`
	// Mirrored says whether the private registry has it; absent without --registry.
	Mirrored *bool `json:"mirrored,omitempty"`
	// Preview says that it comes before another: v4.5.0-rc.1.
	Preview bool `json:"preview,omitempty"`
	// Basis is what says which versions it has: catalogue, chart or tags.
	Basis    string   `json:"basis"`
	Versions []string `json:"versions"`
	Editions []string `json:"editions"`
	// Disagreements are the artifacts on which catalogue, tags and chart differ.
	Disagreements []disagreementView `json:"disagreements"`
	// LeftOut are images of which nothing says which tag belongs to the release.
	LeftOut []string `json:"leftOut,omitempty"`
	// Error is why it is not known what belongs to it.
	Error string `json:"error,omitempty"`
}

type disagreementView struct {
	Artifact string `json:"artifact"`
	// Catalogue, Tags and Chart are yes or no; absent where that was not asked, or does not tell.
	Catalogue string `json:"catalogue,omitempty"`
	Tags      string `json:"tags,omitempty"`
	Chart     string `json:"chart,omitempty"`
}

// NewDiscovery shows what exists at the source.
func NewDiscovery(d *discovery.Discovery) Discovery {
	made := Discovery{
		Header: output.NewHeader("Discovery"), Product: d.Product.Name, Title: d.Product.Title, Source: d.From,
		Current: d.Current, Newest: d.Newest, UpdateAvailable: d.UpdateAvailable(),
		NewVersions: texts(d.NewVersions), Releases: []discoveredView{},
	}
	for _, found := range d.Releases {
		row := discoveredView{
			Release: found.Name, Known: found.Known, AtSource: found.AtSource, Mirrored: found.Mirrored, Preview: found.Preview,
			Basis: found.Basis, Versions: texts(found.Versions), Editions: []string{}, Disagreements: []disagreementView{}, LeftOut: found.LeftOut,
		}
		for _, edition := range found.Editions {
			row.Editions = append(row.Editions, string(edition))
		}
		for _, f := range found.Disagreements {
			row.Disagreements = append(row.Disagreements, disagreementView{f.Artifact, string(f.Catalogue), string(f.Tags), string(f.Chart)})
		}
		if found.Err != nil {
			row.Error = found.Err.Error()
		}
		made.Releases = append(made.Releases, row)
	}
	return made
}

func texts(all []postgres.Version) []string {
	words := make([]string, len(all))
	for i, v := range all {
		words[i] = v.String()
	}
	return words
}

// WriteTable writes a line for each release, what they differ on, and what is newer.
func (v Discovery) WriteTable(w io.Writer) error {
	titles := []string{"RELEASE", "CATALOGUE", "SOURCE"}
	asked := len(v.Releases) > 0 && v.Releases[0].Mirrored != nil
	if asked {
		titles = append(titles, "MIRRORED")
	}
	titles = append(titles, "EDITIONS", "BY")
	narrow, grid := output.NewGrid(titles...), output.NewGrid(append(titles, "POSTGRESQL")...)
	rows := make([][]any, len(v.Releases))
	for i, row := range v.Releases {
		cells := []any{row.Release, view.YesNo(row.Known), view.YesNo(row.AtSource)}
		if asked {
			cells = append(cells, view.YesNo(*row.Mirrored))
		}
		rows[i] = append(cells, strings.Join(row.Editions, ","), row.Basis)
		narrow.Row(rows[i]...)
	}
	room := 0
	if v.width > 0 {
		room = v.width - widthOf(narrow)
	}
	for i, row := range v.Releases {
		grid.Row(append(rows[i], shorten(row.Versions, room))...)
	}
	if _, err := grid.WriteTo(w); err != nil {
		return err
	}
	if err := v.writeDisagreements(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\ncurrent: %s; newest: %s; new versions: %s\n", orNone(v.Current), orNone(v.Newest), orNone(strings.Join(v.NewVersions, ", ")))
	return err
}

// Fit implements view.Fitting.
func (v Discovery) Fit(width int) output.View {
	v.width = width
	return v
}

// gap is what stands between columns.
const gap = 2

// widthOf is how wide a table is, with the gap before another column.
func widthOf(grid *output.Grid) int {
	var text strings.Builder
	_, _ = grid.WriteTo(&text) // a builder takes everything
	widest := 0
	for line := range strings.Lines(text.String()) {
		widest = max(widest, utf8.RuneCountInString(strings.TrimRight(line, "\n")))
	}
	return widest + gap
}

// leastVersions is how much of a list is shown however little room there is.
const leastVersions = 12

// shorten is a list with as many of its words as there is room for; 0 is room for all.
func shorten(words []string, room int) string {
	whole := strings.Join(words, ",")
	if room == 0 || len(whole) <= max(room, leastVersions) {
		return whole
	}
	text := ""
	for _, word := range words {
		if len(text)+len(word)+len(",…") > max(room, leastVersions) {
			break
		}
		text += word + ","
	}
	return text + "…"
}

func (v Discovery) writeDisagreements(w io.Writer) error {
	grid := output.NewGrid("RELEASE", "DIFFERS ON", "CATALOGUE", "TAGS", "CHART")
	rows := 0
	for _, row := range v.Releases {
		for _, d := range row.Disagreements {
			grid.Row(row.Release, d.Artifact, d.Catalogue, d.Tags, d.Chart)
			rows++
		}
	}
	if rows == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	_, err := grid.WriteTo(w)
	return err
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
