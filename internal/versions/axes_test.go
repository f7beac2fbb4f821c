package versions_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/errortest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

func axesCatalogue(t *testing.T) *versions.Catalogue {
	t.Helper()
	data, err := os.ReadFile("testdata/axes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalogue.Merge(&versions.Catalogue{}, "axes.yaml", data)
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
		of   versions.Selection
		want string
	}{
		{"by default", versions.Selection{}, charts + operator + " vendor.example.com/postgres:17.10-deb13 vendor.example.com/gis:17.10-3.6 vendor.example.com/gis:17.10-3.10 vendor.example.com/postgres:16.9-bookworm vendor.example.com/pooler:9"},
		{"a word", versions.Selection{Axes: map[string][]string{"os": {"bookworm"}, "gis": {"3.10"}}}, charts + operator + " vendor.example.com/postgres:17.10-bookworm vendor.example.com/gis:17.10-3.10 vendor.example.com/postgres:16.9-bookworm vendor.example.com/pooler:9"},
		{"all of an axis", versions.Selection{Axes: map[string][]string{"os": {"all"}}, Versions: mustParse(t, "16"), Extras: []string{"none"}}, charts + operator + " vendor.example.com/postgres:16.9-bookworm"},
		{"nothing on an axis", versions.Selection{Axes: map[string][]string{"gis": {"none"}}}, charts + operator + " vendor.example.com/postgres:17.10-deb13 vendor.example.com/postgres:16.9-bookworm vendor.example.com/pooler:9"},
		{"what is optional, by name", versions.Selection{Extras: []string{"agent", "extras"}, Versions: mustParse(t, "17.10"), Axes: map[string][]string{"gis": {"3.6"}}}, charts + " vendor.example.com/charts/extras:2.0.0" + operator + " vendor.example.com/postgres:17.10-deb13 vendor.example.com/gis:17.10-3.6 " + archive + "old-agent:0"},
		{"a release of its own registry", versions.Selection{Releases: []string{"v1.0.0"}}, old + archive + "postgres:16.2-deb13 " + archive + "gis:16.2-3.5"},
		{"a registry in another's place", versions.Selection{Releases: []string{"1.0.0"}, Extras: []string{"none"}, Sources: map[string]ref.Folder{"archive": {Host: "mirror.example.com"}}}, strings.ReplaceAll(old+archive+"postgres:16.2-deb13 "+archive+"gis:16.2-3.5", archive, "mirror.example.com/")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.of.Product = "db"
			artifacts, err := versions.Select(axesCatalogue(t), tt.of)
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
		of   versions.Selection
		want string
	}{
		{versions.Selection{Axes: map[string][]string{"osx": {"trixie"}}}, "osx is not an axis of 2.0.0"},
		{versions.Selection{Axes: map[string][]string{"os": {"trixy"}}}, "trixy is not on the axis os of 2.0.0; it has bookworm, trixie"},
		{versions.Selection{Axes: map[string][]string{"gis": {"none", "3.6"}}}, "axis gis: none cannot stand beside others"},
		{versions.Selection{Axes: map[string][]string{"os": {"none"}}, Versions: mustParse(t, "16.9")}, "16.9 is not in 2.0.0 as nothing on the axis os"},
		{versions.Selection{Extras: []string{"agnet"}}, "did you mean agent?"},
		{versions.Selection{Sources: map[string]ref.Folder{"archiv": {Host: "x.example.com"}}}, "did you mean archive?"},
	}
	for _, tt := range tests {
		tt.of.Product = "db"
		if _, err := versions.Select(axesCatalogue(t), tt.of); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Select(%+v) = %v, want an error with %q", tt.of, err, tt.want)
		}
	}
}

// A version that has nothing of what is selected by default is not left out without a word, and
// a release without anything is no selection.
func TestNothingIsLeftOutWithoutAWord(t *testing.T) {
	const file = `{product: h, target: h, registries: {r: registry.example.com}, shapes: {s: {registry: r,
  axes: {os: {values: [trixie, bookworm], default: [trixie]}},
  images: [{name: postgres, repository: pg, tag: "{version}-{os}", axes: [version, os]}]}, none: {registry: r, images: [{name: x, repository: x}]}},
  releases: {2.0.0: {shape: s, versions: [17.6, {version: 16.10, os: [bookworm]}]}, 1.0.0: {shape: none}}}`
	c, err := catalogue.Merge(&versions.Catalogue{}, "h.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	all, err := versions.Select(c, versions.Selection{Product: "h"})
	if err != nil || len(all) != 2 || all[0].Source.Tag != "17.6-trixie" || all[1].Source.Tag != "16.10-bookworm" {
		t.Errorf("Select() = %v, %v, want both versions, each as it is by default", pairs(all), err)
	}
	if _, err := versions.Select(c, versions.Selection{Product: "h", Releases: []string{"1.0.0"}}); !strings.Contains(errortest.Message(err), "nothing is selected") {
		t.Errorf("Select(nothing) = %v, want that it is nothing", err)
	}
}

// Editions are an axis with a name of its own: what is said of both is said twice.
func TestSelectRefusesEditionsTwice(t *testing.T) {
	selection := versions.Selection{Editions: []versions.Edition{versions.Full}, Axes: map[string][]string{"edition": {"lite"}}}
	if _, err := versions.Select(catalogue.Builtin(), selection); !errors.Is(err, versions.ErrTwice) {
		t.Errorf("Select(editions twice) = %v, want it refused", err)
	}
}

func mustParse(t *testing.T, s string) postgres.Expression {
	t.Helper()
	e, err := postgres.ParseExpression(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
