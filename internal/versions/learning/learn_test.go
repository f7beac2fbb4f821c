package learning

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const vendor = "tanzu-sql-postgres.packages.broadcom.com/"

// newer is what a source with a release says that the built-in catalogue lacks: its chart offers
// two versions, one of them in one edition.
func newer(t *testing.T) Evidence {
	t.Helper()
	e := Evidence{
		Release: "v4.5.0", Charts: true,
		Tags: map[string][]string{
			vendor + "postgres-operator":            {"v4.3.1", "v4.5.0", "latest"},
			vendor + "vmware-sql-postgres-operator": {"v4.3.1", "v4.5.0"},
			vendor + "postgres-instance":            {"v17.5-v4.3.1", "v18.4-v4.5.0", "v18.4-lite-v4.5.0", "v17.6-v4.5.0", "v17.5-v4.5.0"},
		},
		Images: []ref.Reference{image(t, "postgres-operator:v4.5.0"), image(t, "ferretdb:v2.5.0")},
	}
	for name, tag := range map[string]string{"18.4": "v18.4-v4.5.0", "18.4-lite": "v18.4-lite-v4.5.0", "17.6": "v17.6-v4.5.0"} {
		version, _, _ := strings.Cut(name, "-")
		e.Offers = append(e.Offers, Offer{Name: "postgres-" + name, Version: version, Image: image(t, "postgres-instance:"+tag)})
	}
	return e
}

func image(t *testing.T, name string) ref.Reference {
	t.Helper()
	r, err := ref.Parse(vendor + name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tanzu(t *testing.T) *versions.Product {
	t.Helper()
	p, err := catalogue.Builtin().Product("tanzu")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What the chart offers is what there is; the file that says so is a catalogue file.
func TestLearn(t *testing.T) {
	learned, err := Learn(tanzu(t), newer(t), "v4.5.0 of tanzu, as found")
	if err != nil {
		t.Fatal(err)
	}
	want := `# v4.5.0 of tanzu, as found
product: tanzu
releases:
  v4.5.0:
    shape: image-per-version
    versions:
      - 18.4
      - {version: 17.6, edition: [full]}
    tags:
      ferretdb: v2.5.0
`
	if diff := cmp.Diff(want, string(learned.File)); diff != "" {
		t.Errorf("Learn() writes (-want +got):\n%s", diff)
	}
	c, err := catalogue.Merge(catalogue.Builtin(), "file", learned.File)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Product("tanzu")
	if p.Newest().Name != "v4.5.0" {
		t.Errorf("the newest release with the file is %s, want v4.5.0", p.Newest().Name)
	}
	artifacts, err := versions.Select(c, versions.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	if len(artifacts) != 6 || artifacts[0].Source.String() != vendor+"vmware-sql-postgres-operator:v4.5.0" {
		t.Errorf("Select() = %v, want chart, operator, three instances and ferretdb", artifacts)
	}
}

// An image without which the release can be used, and of which nothing says the tag, is left out
// and named.
func TestLearnLeavesOut(t *testing.T) {
	e := newer(t)
	e.Images = nil
	learned, err := Learn(tanzu(t), e, "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(learned.LeftOut, []string{"ferretdb"}) || len(learned.Extras()) != 0 {
		t.Errorf("Learn() leaves out %v and has the extras %v, want ferretdb left out", learned.LeftOut, learned.Extras())
	}
}

// The chart's word on the operator's tag counts for more than what is usual.
func TestLearnTakesTheChartsTags(t *testing.T) {
	e := newer(t)
	e.Images = []ref.Reference{image(t, "postgres-operator:v4.5.0-2")}
	learned, err := Learn(tanzu(t), e, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := learned.Operator().Tag; got != "v4.5.0-2" {
		t.Errorf("the operator's tag is %s, want v4.5.0-2", got)
	}
}

func TestLearnGuessesNothing(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Evidence)
		want   string
	}{
		{"no chart", func(e *Evidence) { e.Charts, e.Offers = false, nil }, "its chart was not read"},
		{"nothing offered, no tags", func(e *Evidence) { e.Offers, e.Tags = nil, nil }, "neither its chart nor the tags"},
		{"another repository", func(e *Evidence) { e.Offers[0].Image.Repository = "postgres-oci" }, "none of the images"},
		{"another release", func(e *Evidence) { e.Offers[0].Image.Tag = "v17.5-v4.3.1" }, "none of the images"},
		{"two versions of one image", func(e *Evidence) { e.Offers[0].Version = "12.1" }, "and the tag says"},
		{"no operator", func(e *Evidence) { e.Images = nil; e.Tags[vendor+"postgres-operator"] = []string{"v4.3.1"} }, "there is no postgres-operator:v4.5.0"},
		{"several operators", func(e *Evidence) {
			e.Images = []ref.Reference{image(t, "postgres-operator:v4.5.0-1"), image(t, "postgres-operator:v4.5.0-2")}
		}, "as v4.5.0-1 and as v4.5.0-2"},
	}
	for _, tt := range tests {
		e := newer(t)
		tt.change(&e)
		var undetermined *UndeterminedError
		if _, err := Learn(tanzu(t), e, ""); !errors.As(err, &undetermined) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Learn() = %v, want an UndeterminedError with %q", tt.name, err, tt.want)
		}
	}
}

// Where a chart offers nothing, the tags are all there is.
func TestLearnFromTags(t *testing.T) {
	e := newer(t)
	e.Offers = nil
	learned, err := Learn(tanzu(t), e, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(learned.Instances()); got != 4 {
		t.Errorf("Learn() has %d instances, want the 4 of the tags", got)
	}
}

// In a shape of one image for all versions the chart tells which versions those are.
func TestLearnOneImage(t *testing.T) {
	c, err := catalogue.Merge(catalogue.Builtin(), "file", []byte("product: older\ntarget: x\nregistries: {v: vendor.example.com}\nshapes:\n  s:\n    registry: v\n"+
		"    images: [{name: operator, repository: op, tag: \"{release}\"}, {name: instance, repository: pg, tag: \"{release}-{build}\", axes: [version]}]\n"+
		"    charts: [{name: chart, repository: c, tag: \"{release}\"}]\nreleases:\n  1.0.0: {versions: [16.6], vars: {build: \"7\"}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Product("older")
	e := Evidence{Release: "1.1.0", Charts: true}
	for _, version := range []string{"17.2", "16.6"} {
		e.Offers = append(e.Offers, Offer{Name: "pg", Version: version, Image: ref.Reference{Host: "vendor.example.com", Repository: "pg", Tag: "1.1.0-9"}})
	}
	learned, err := Learn(p, e, "")
	if err != nil {
		t.Fatal(err)
	}
	got := learned.Instances()
	if len(got) != 2 || got[0].Version != (postgres.Version{Major: 17, Minor: 2}) || got[0].Tag != "1.1.0-9" || got[1].Tag != "1.1.0-9" {
		t.Errorf("Learn() has the instances %v, want 17.2 and 16.6 as 1.1.0-9", got)
	}
	e.Offers[1].Image.Tag = "1.1.0-8"
	if _, err := Learn(p, e, ""); err == nil || !strings.Contains(err.Error(), "{build} is") {
		t.Errorf("Learn() of two builds = %v, want an error that names {build}", err)
	}
}

func TestCompare(t *testing.T) {
	e := newer(t)
	var got []string
	for _, f := range Compare(tanzu(t), e) {
		if f.Disagrees() {
			got = append(got, f.Artifact+" tags "+string(f.Tags)+" chart "+string(f.Chart)+" catalogue "+string(f.Catalogue))
		}
	}
	if want := []string{"postgres-instance:v17.5-v4.5.0 tags yes chart no catalogue "}; !slices.Equal(got, want) {
		t.Errorf("Compare() disagrees on %q, want %q", got, want)
	}

	e = Evidence{Release: "v4.3.1", Tags: map[string][]string{vendor + "postgres-instance": {"v17.5-v4.3.1", "v17.5-lite-v4.3.1", "v17.6-v4.3.1"}}}
	got = nil
	for _, f := range Compare(tanzu(t), e) {
		if f.Disagrees() {
			got = append(got, f.Artifact+" "+string(f.Catalogue)+" "+string(f.Tags))
		}
	}
	if len(got) != 19 || !slices.Contains(got, "postgres-instance:v17.6-v4.3.1 no yes") || !slices.Contains(got, "postgres-instance:v17.4-v4.3.1 yes no") {
		t.Errorf("Compare(v4.3.1) disagrees on %q, want the 18 tags that are gone and v17.6", got)
	}
}

func TestReleasesIn(t *testing.T) {
	got := ReleasesIn(tanzu(t), newer(t).Tags)
	if want := []string{"v4.5.0", "v4.3.1"}; !slices.Equal(got, want) {
		t.Errorf("ReleasesIn() = %v, want %v", got, want)
	}
}

// A catalogue file says whose tags are read, and whether charts are.
func TestDiscover(t *testing.T) {
	c, err := catalogue.Merge(catalogue.Builtin(), "file", []byte("product: tanzu\ndiscover: {images: [operator], render: false}\n"))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Product("tanzu")
	if all := TellingOf(p); len(all) != 1 || all[0].Name != "operator" || Renders(p) {
		t.Errorf("Telling() = %v, Renders() = %v, want the operator alone, and false", all, Renders(p))
	}
	_, err = catalogue.Merge(catalogue.Builtin(), "file", []byte("product: tanzu\ndiscover: {images: [operater]}\n"))
	if err == nil || !strings.Contains(err.Error(), "did you mean operator?") {
		t.Errorf("Merge() of an image that is none = %v, want the nearest name", err)
	}
}
