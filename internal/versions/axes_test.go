package versions

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const axesFile = `
product: db
target: db
registries: {vendor: vendor.example.com, archive: archive.example.com/old}
shapes:
  usual:
    registry: vendor
    axes:
      os: {values: [bookworm, trixie], default: [trixie], write: {trixie: deb13}}
      gis: {}
    images:
      - {name: operator, repository: operator, tag: "v{release}+b{build}"}
      - {name: postgres, repository: postgres, tag: "{version}-{os}", axes: [version, os], called: "pg{major}"}
      - {name: gis, repository: gis, tag: "{version}-{gis}", axes: [version, gis]}
      - {name: tools, repository: "tools-{os}", tag: "1", axes: [os], as: tools/os}
      - {name: pooler, repository: pooler}
      - {name: agent, repository: agent, tag: "1", optional: true}
    charts:
      - {name: chart, repository: charts/db, tag: "{release}"}
      - {name: crds, url: "https://charts.example.com", chart: db-crds, tag: "{release}"}
      - {name: extras, repository: charts/extras, tag: "{release}", optional: true}
releases:
  2.0.0:
    vars: {build: "7"}
    versions: [{version: 17.10, gis: [3.6, 3.10]}, {version: 16.9, os: [bookworm], gis: []}]
    tags: {pooler: "9"}
    images: {tools: {without: true}, agent: {registry: archive, repository: old-agent, tag: "0"}}
  1.0.0:
    vars: {build: "1"}
    registry: archive
    axes: {os: [trixie], gis: [3.5]}
    versions: [16.2]
    images: {tools: {without: true}}
`

func axesCatalogue(t *testing.T) *Catalogue {
	t.Helper()
	c, err := (&Catalogue{}).Merge("axes.yaml", []byte(axesFile))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What is on an axis comes from the version, else the release, else the shape; a default narrows it
// until somebody asks for more.
func TestSelectOnAxes(t *testing.T) {
	const charts = "vendor.example.com/charts/db:2.0.0 charts.example.com/db-crds:2.0.0"
	const operator = " vendor.example.com/operator:v2.0.0_b7"
	const archive = "archive.example.com/old/"
	const old = archive + "charts/db:1.0.0 charts.example.com/db-crds:1.0.0 " + archive + "operator:v1.0.0_b1 "
	tests := []struct {
		name string
		of   Selection
		want string
	}{
		{"by default", Selection{}, charts + operator + " vendor.example.com/postgres:17.10-deb13 vendor.example.com/gis:17.10-3.6 vendor.example.com/gis:17.10-3.10 vendor.example.com/postgres:16.9-bookworm vendor.example.com/pooler:9"},
		{"a word", Selection{Axes: map[string][]string{"os": {"bookworm"}, "gis": {"3.10"}}}, charts + operator + " vendor.example.com/postgres:17.10-bookworm vendor.example.com/gis:17.10-3.10 vendor.example.com/postgres:16.9-bookworm vendor.example.com/pooler:9"},
		{"all of an axis", Selection{Axes: map[string][]string{"os": {"all"}}, Versions: mustParse(t, "16"), Extras: []string{"none"}}, charts + operator + " vendor.example.com/postgres:16.9-bookworm"},
		{"nothing on an axis", Selection{Axes: map[string][]string{"gis": {"none"}}}, charts + operator + " vendor.example.com/postgres:17.10-deb13 vendor.example.com/postgres:16.9-bookworm vendor.example.com/pooler:9"},
		{"what is optional, by name", Selection{Extras: []string{"agent", "extras"}, Versions: mustParse(t, "17.10"), Axes: map[string][]string{"gis": {"3.6"}}}, charts + " vendor.example.com/charts/extras:2.0.0" + operator + " vendor.example.com/postgres:17.10-deb13 vendor.example.com/gis:17.10-3.6 " + archive + "old-agent:0"},
		{"a release of its own registry", Selection{Releases: []string{"v1.0.0"}}, old + archive + "postgres:16.2-deb13 " + archive + "gis:16.2-3.5"},
		{"a registry in another's place", Selection{Releases: []string{"1.0.0"}, Extras: []string{"none"}, Sources: map[string]ref.Folder{"archive": {Host: "mirror.example.com"}}}, strings.ReplaceAll(old+archive+"postgres:16.2-deb13 "+archive+"gis:16.2-3.5", archive, "mirror.example.com/")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.of.Product = "db"
			artifacts, err := Select(axesCatalogue(t), tt.of)
			if err != nil {
				t.Fatalf("Select() = %v", err)
			}
			var got []string
			for _, a := range artifacts {
				got = append(got, a.Source.String())
			}
			if diff := cmp.Diff(strings.Fields(tt.want), got); diff != "" {
				t.Errorf("Select() differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelectRefusesOnAxes(t *testing.T) {
	tests := []struct {
		of   Selection
		want string
	}{
		{Selection{Axes: map[string][]string{"osx": {"trixie"}}}, "osx is not an axis of 2.0.0"},
		{Selection{Axes: map[string][]string{"os": {"trixy"}}}, "trixy is not on the axis os of 2.0.0; it has bookworm, trixie"},
		{Selection{Axes: map[string][]string{"gis": {"none", "3.6"}}}, "axis gis: none cannot stand beside others"},
		{Selection{Axes: map[string][]string{"os": {"none"}}, Versions: mustParse(t, "16.9")}, "16.9 is not in 2.0.0 as nothing on the axis os"},
		{Selection{Extras: []string{"agnet"}}, "did you mean agent?"},
		{Selection{Sources: map[string]ref.Folder{"archiv": {Host: "x.example.com"}}}, "did you mean archive?"},
	}
	for _, tt := range tests {
		tt.of.Product = "db"
		if _, err := Select(axesCatalogue(t), tt.of); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Select(%+v) = %v, want an error with %q", tt.of, err, tt.want)
		}
	}
}

// A mistake in a file is told with the place, and with what would be right.
func TestCompileRefuses(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"a name for an axis", "gis: {}", "major: {}", "shapes.usual: axes.major: it is no name for an axis"},
		{"a default beside the values", "default: [trixie]", "default: [trixy]", "axes.os: default: trixy is not one of its values; it has bookworm, trixie"},
		{"an axis that is not there", "axes: [version, gis]", "axes: [version, gsi]", "images.gis: axes: gsi is not one of axes; did you mean gis?"},
		{"two of one name", "name: pooler", "name: agent", "images: agent is there twice"},
		{"a word for a name", "name: pooler", "name: target", "images: target is no name for one"},
		{"a registry that is not there", "registry: vendor", "registry: vendro", "shapes.usual: registry: vendro is not one of registries; did you mean vendor?"},
		{"a placeholder that no axis is for", `tag: "{version}-{gis}"`, `tag: "{version}-{os}"`, `images.gis: tag: "{os}" is not a placeholder here`},
		{"a var that a release lacks", `vars: {build: "1"}`, "vars: {}", "releases.1.0.0: images.operator: the release says nothing for {build}"},
		{"a version twice", "versions: [16.2]", "versions: [16.2, 16.2]", "releases.1.0.0: versions: 16.2 is there twice"},
		{"a word on an axis of a version", "os: [bookworm], gis", "os: [bookwurm], gis", "versions.16.9: os: bookwurm is not of the release's shape; did you mean bookworm?"},
		{"an axis of a release", "axes: {os: [trixie]", "axes: {osx: [trixie]", "releases.1.0.0: axes: osx is not an axis of the release's shape"},
		{"a tag for what is not there", `tags: {pooler: "9"}`, `tags: {poolr: "9"}`, "tags: poolr is not an image of the shape; did you mean pooler?"},
		{"another for what is not there", "images: {tools: {without: true}}\n", "images: {tolls: {without: true}}\n", "images: tolls is not an image of the shape; did you mean tools?"},
		{"one target for two", "repository: gis, tag: \"{version}-{gis}\"", "registry: archive, repository: postgres, tag: \"{version}-deb13\"", "would both become postgres:17.10-deb13 at the target"},
		{"a release of no number", "  1.0.0:", "  old:", "releases.old: it is no release"},
		{"a release with and without a v", "  1.0.0:", "  v2.0.0:", "it is there as"},
		{"a chart without a repository", "repository: charts/db,", "", "charts.chart: repository: the repository is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(axesFile, tt.old) {
				t.Fatalf("the file has no %q", tt.old)
			}
			_, err := (&Catalogue{}).Merge("axes.yaml", []byte(strings.Replace(axesFile, tt.old, tt.new, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Merge() = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// A few lines of YAML cannot come to more images than the machine has memory for.
func TestAxesAreBounded(t *testing.T) {
	var axes, names []string
	for i := range 20 {
		axes = append(axes, fmt.Sprintf("a%d: {values: [a, b, c, d]}", i))
		names = append(names, fmt.Sprintf("a%d", i))
	}
	file := "product: many\ntarget: many\nregistries: {r: registry.example.com}\nshapes:\n  s:\n    registry: r\n    axes: {" +
		strings.Join(axes, ", ") + "}\n    images: [{name: x, repository: x, tag: \"1\", axes: [" + strings.Join(names, ", ") + "]}]\nreleases: {1.0.0: {}}\n"
	if _, err := (&Catalogue{}).Merge("many.yaml", []byte(file)); err == nil || !strings.Contains(err.Error(), "more than 10000 images") {
		t.Errorf("Merge(4^20 images) = %v, want that it is too many", err)
	}
}

// What is no key of a value, or deeper than any, is found when the file is read.
func TestValuesAreChecked(t *testing.T) {
	const file = `{product: h, target: h, title: T, registries: {r: registry.example.com}, shapes: {s: {registry: r,
  images: [{name: operator, repository: op, tag: "1"}],
  charts: [{name: chart, repository: c, tag: "1", values: [{at: 'AT', value: VALUE}]}]}}, releases: {1.0.0: {}}}`
	tests := []struct{ at, value, want string }{
		{"a.b[0].c", "x", ""},
		{"[0]", "x", "begins with the number"},
		{"a[", "x", "no element of a key"},
		{"a[]", "x", "no element of a key"},
		{"a[x]", "x", "no element of a key"},
		{"a[0]b", "x", "no element of a key"},
		{"a[2000]", "x", "beyond the end of any list"},
		{strings.Repeat("a.", 40) + "b", "x", "more than 32 elements"},
		{"a", strings.Repeat("[", 100) + strings.Repeat("]", 100), "deeper than 64"},
	}
	for _, tt := range tests {
		text := strings.NewReplacer("AT", tt.at, "VALUE", tt.value).Replace(file)
		_, err := (&Catalogue{}).Merge("h.yaml", []byte(text))
		if (tt.want == "") != (err == nil) || !strings.Contains(message(err), tt.want) {
			t.Errorf("Merge(at %.20s, value %.20s) = %v, want %q", tt.at, tt.value, err, tt.want)
		}
	}
	if _, err := (&Catalogue{}).Merge("h.yaml", []byte(strings.Replace(file, "title: T", `title: "a\nfailed: b"`, 1))); !strings.Contains(message(err), "title: it has to be one line") {
		t.Errorf("Merge(a title of two lines) = %v, want it refused", err)
	}
	selection := Selection{Editions: []Edition{Full}, Axes: map[string][]string{"edition": {"lite"}}}
	if _, err := Select(Builtin(), selection); !errors.Is(err, errTwice) {
		t.Errorf("Select(editions twice) = %v, want it refused", err)
	}
}

// A version that has nothing of what is selected by default is not left out without a word, and
// a release without anything is no selection.
func TestNothingIsLeftOutWithoutAWord(t *testing.T) {
	const file = `{product: h, target: h, registries: {r: registry.example.com}, shapes: {s: {registry: r,
  axes: {os: {values: [trixie, bookworm], default: [trixie]}},
  images: [{name: postgres, repository: pg, tag: "{version}-{os}", axes: [version, os]}]}, none: {registry: r, images: [{name: x, repository: x}]}},
  releases: {2.0.0: {shape: s, versions: [17.6, {version: 16.10, os: [bookworm]}]}, 1.0.0: {shape: none}}}`
	c, err := (&Catalogue{}).Merge("h.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	all, err := Select(c, Selection{Product: "h"})
	if err != nil || len(all) != 2 || all[0].Source.Tag != "17.6-trixie" || all[1].Source.Tag != "16.10-bookworm" {
		t.Errorf("Select() = %v, %v, want both versions, each as it is by default", pairs(all), err)
	}
	if _, err := Select(c, Selection{Product: "h", Releases: []string{"1.0.0"}}); !strings.Contains(message(err), "nothing is selected") {
		t.Errorf("Select(nothing) = %v, want that it is nothing", err)
	}
}
