package catalogue_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/errortest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/learning"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

func TestMergeReplacesARelease(t *testing.T) {
	c, err := catalogue.Merge(catalogue.Builtin(), "mine.yaml", []byte(`
product: tanzu
title: Ours
target: databases/tanzu
registries:
  broadcom: mirror.example.com/tanzu
releases:
  4.3.2:
    shape: image-per-version
    note: Tested by us.
    versions: [17.10, {version: 16.9, editions: [lite]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Product("tanzu")
	r, err := p.Release("v4.3.2")
	if err != nil {
		t.Fatal(err)
	}
	if p.Title != "Ours" || p.Notice == "" || p.Target != "databases/tanzu" || r.Note != "Tested by us." {
		t.Errorf("Product = %+v, want title and target replaced and the notice kept", p)
	}
	var got []string
	for _, i := range r.Instances() {
		got = append(got, i.Vendor().String())
	}
	want := "mirror.example.com/tanzu/postgres-instance:v17.10-4.3.2 mirror.example.com/tanzu/postgres-instance:v17.10-lite-4.3.2 mirror.example.com/tanzu/postgres-instance:v16.9-lite-4.3.2"
	if joined := strings.Join(got, " "); joined != want {
		t.Errorf("Instances = %s, want %s", joined, want)
	}
	if len(r.Extras()) != 0 {
		t.Errorf("Extras = %v, want none where the tag is not given", r.Extras())
	}
}

func TestMergeRefuses(t *testing.T) {
	// valid is a whole product; each test puts one fault into it.
	const valid = `product: mine
target: mine
registries: {home: registry.example.com}
shapes:
  usual:
    registry: home
    chart: {repository: chart, tag: "{release}"}
    operator: {repository: operator, tag: "{release}"}
    instances: [{edition: full, repository: instance, tag: "{version}", name: "pg-{major}"}]
    extras: {proxy: {repository: proxy}}
    values: {image: {image: operator, form: reference}}
releases:
  v1.0.0: {shape: usual, versions: [17.5], tags: {proxy: v2}}
`
	if _, err := catalogue.Merge(&versions.Catalogue{}, "x", []byte(valid)); err != nil {
		t.Fatalf("Merge of the valid file = %v, want no error", err)
	}
	tests := []struct{ name, old, new, want string }{
		{"key of the file", "target: mine", "tarret: mine", "line 2: tarret is not a key of the file; did you mean target? it has notice, product, registries, releases, shapes, target, title"},
		{"key of a shape", "    chart:", "    charts:", "line 7: charts is not a key of shapes.usual; did you mean chart? it has chart, extras, instances, operator, registry, values"},
		{"key of an image", "{repository: chart,", "{repo: chart,", "line 7: repo is not a key of shapes.usual.chart; it has registry, repository, tag"},
		{"key of an instance", "{edition: full", "{edtion: full", "line 9: edtion is not a key of shapes.usual.instances; did you mean edition? it has edition, name, registry, repository, tag"},
		{"key of a value", "form: reference", "from: reference", "line 11: from is not a key of shapes.usual.values.image; did you mean form? it has form, image, pullSecret"},
		{"key of a release", "{shape: usual, versions", "{shape: usual, version", "line 13: version is not a key of releases.v1.0.0; did you mean versions? it has note, registry, shape, tags, versions"},
		{"key of a version", "[17.5]", "[{vresion: 17.5}]", "line 13: vresion is not a key of the version; did you mean version? it has editions, version"},
		{"key twice", "target: mine", "product: mine", `already defined`},
		{"wrong kind", "versions: [17.5]", "versions: 17.5", "line 13: releases.v1.0.0.versions: write a list, and not a text"},
		{"no YAML", "product: mine", "product: [", "did not find expected"},
		{"product", "product: mine", "product: Mine", "product: Mine is no name; use small letters, digits and hyphens"},
		{"target", "target: mine", "target: /mine", "target: /mine is no repository"},
		{"target missing", "target: mine", "title: mine", "target: the repository is missing"},
		{"registry", "registry.example.com", "https://registry.example.com", "registries.home: registry https://registry.example.com: it starts with a scheme"},
		{"unknown registry", "registry: home", "registry: hom", "shapes.usual: registry: hom is not one of registries; did you mean home? it has home"},
		{"no registry", "    registry: home\n", "", "shapes.usual: registry: it is missing; name one of registries"},
		{"image's registry", "{repository: chart,", "{registry: away, repository: chart,", "shapes.usual: charts.chart: registry: away is not one of registries"},
		{"image's repository", "repository: operator", "repository: Operator", "shapes.usual: images.operator: repository: a repository is in lower case; write operator"},
		{"instance's repository", "repository: instance", "repository: ''", "shapes.usual: images.instance: repository: the repository is missing"},
		{"placeholder", `chart, tag: "{release}"`, `chart, tag: "{version}"`, `shapes.usual: charts.chart: tag: "{version}" is not a placeholder here; it has {release}`},
		{"placeholder's name", `"{version}"`, `"{vresion}"`, `shapes.usual: images.instance: tag: "{vresion}" is not a placeholder here; did you mean {version}?`},
		{"brace", `"{version}"`, `"{version"`, `shapes.usual: images.instance: tag: "{version" has a brace without its partner`},
		{"name of an instance", `"pg-{major}"`, `"pg-{majr}"`, `shapes.usual: images.instance: called: "{majr}" is not a placeholder here; did you mean {major}?`},
		{"no tag", `tag: "{version}", `, "", "shapes.usual: images.instance: tag: it is missing"},
		{"bad tag", `"{version}"`, `".{version}"`, "releases.v1.0.0: images.instance: 17.5: .17.5 is no tag"},
		{"two without edition", "[{edition: full,", "[{repository: x1, tag: y}, {edition: full,", "shapes.usual: instances: each of several needs an edition"},
		{"edition twice", "[{edition: full,", "[{edition: full, repository: x1, tag: y}, {edition: full,", "shapes.usual: instances: the edition full is there twice"},
		{"edition's name", "edition: full", "edition: Full", "shapes.usual: instances: Full is no name for an edition"},
		{"extra's name", "extras: {proxy:", "extras: {operator:", "shapes.usual: extras: operator is no name for an extra"},
		{"extra's image", "{repository: proxy}", "{repository: _}", "shapes.usual: images.proxy: repository: _ is no repository"},
		{"value's image", "image: operator", "image: operators", "shapes.usual: charts.chart: values.image: operators is not an image of the shape; did you mean operator? it has operator, instance, proxy, target, pullSecret"},
		{"value's form", "form: reference", "form: ref", "shapes.usual: values.image: form: ref is not known here; it has reference, repository, registry, path, tag"},
		{"value of both", "form: reference}", "form: reference, pullSecret: name}", "shapes.usual: values.image: it names an image or the pull secret, not both"},
		{"pull secret", "{image: operator, form: reference}", "{pullSecret: nam}", "shapes.usual: values.image: pullSecret: nam is not known here; did you mean name?"},
		{"value's key", "{image: {image:", "{image..x: {image:", "shapes.usual: charts.chart: values.image..x: the key has an empty element"},
		{"release's name", "v1.0.0:", "first:", "releases.first: it is no release; write it as v4.3.1"},
		{"release twice", "releases:", "releases:\n  1.0.0: {shape: usual, versions: [17.5]}", "it is there as"},
		{"no releases", "releases:\n  v1.0.0: {shape: usual, versions: [17.5], tags: {proxy: v2}}", "", "releases: there is none"},
		{"shape", "shape: usual", "shape: usul", "releases.v1.0.0: shape: usul is not one of shapes; did you mean usual? it has usual"},
		{"release's registry", "shape: usual, v", "shape: usual, registry: hme, v", "releases.v1.0.0: charts.chart: registry: hme is not one of registries; did you mean home?"},
		{"no versions", "versions: [17.5], ", "", "releases.v1.0.0: versions: a release has versions if its shape has instances, and only then"},
		{"version", "[17.5]", "[17]", "line 13: 17 is no PostgreSQL version; write it as 17.5"},
		{"version's kind", "[17.5]", "[[17.5]]", "line 13: write a version as 17.5 or as {version: 17.5, editions: [full]}"},
		{"version's editions", "[17.5]", "[{version: 17.5, editions: 7.5}]", "line 13: editions: write a list of what the version has"},
		{"version twice", "[17.5]", "[17.5, 17.5]", "releases.v1.0.0: versions: 17.5 is there twice"},
		{"version's edition", "[17.5]", "[{version: 17.5, editions: [lite]}]", "releases.v1.0.0: versions.17.5: edition: lite is not of the release's shape; it has full"},
		{"tag of nothing", "tags: {proxy:", "tags: {prxy:", "releases.v1.0.0: tags: prxy is not an image of the shape; did you mean proxy? it has chart, operator, instance, proxy"},
		{"tag's placeholder", "{proxy: v2}", "{proxy: 'v{x}'}", `releases.v1.0.0: tags.proxy: "{x}" is not a placeholder here`},
		{"bad tag of an extra", "{proxy: v2}", "{proxy: a b}", `releases.v1.0.0: images.proxy: "a b" is no tag`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(valid, tt.old) == 0 {
				t.Fatalf("%q is not in the valid file", tt.old)
			}
			in := strings.Replace(valid, tt.old, tt.new, 1)
			_, err := catalogue.Merge(&versions.Catalogue{}, "mine.yaml", []byte(in))
			if !strings.HasPrefix(errortest.Message(err), "catalogue mine.yaml: ") || !strings.Contains(errortest.Message(err), tt.want) {
				t.Errorf("Merge() = %v, want the file named, and %q", err, tt.want)
			}
		})
	}
}

func TestMergeRefusesWhatIsNoFile(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "catalogue x: it is empty"},
		{"# nothing\n", "catalogue x: it is empty"},
		{"[a]", "catalogue x: it is no mapping of keys to values"},
		{"product: a\n---\nproduct: b\n", "catalogue x: it holds more than one document; write one file for each product"},
		{"&a [*a]", "catalogue x: it is no mapping of keys to values"},
		{"releases: &a {v1.0.0: *a}", "v1.0.0 is not a key of releases.v1.0.0"},
	}
	for _, tt := range tests {
		if _, err := catalogue.Merge(&versions.Catalogue{}, "x", []byte(tt.in)); !strings.Contains(errortest.Message(err), tt.want) {
			t.Errorf("Merge(%q) = %v, want %s", tt.in, err, tt.want)
		}
	}
}

func FuzzMerge(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range append(files, "tanzu.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("releases: &a {v1.0.0: *a}"))
	f.Add([]byte("product: tanzu\nreleases: {v9.9.9: {shape: one-image, versions: [&v 17.5, {version: *v}]}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := catalogue.Merge(catalogue.Builtin(), "x", data)
		if err != nil {
			return
		}
		for _, p := range c.Products() {
			artifacts, err := versions.Select(c, versions.Selection{Product: p.Name, Target: ref.Folder{Host: "registry.example.com"}})
			if err != nil {
				t.Fatalf("Select(%s) of a valid catalogue = %v", p.Name, err)
			}
			for _, a := range artifacts {
				if _, err := ref.Parse(a.Source.String()); err != nil {
					t.Errorf("Select gives a source that is none: %v", err)
				}
				if _, err := ref.Parse(a.Target.String()); err != nil {
					t.Errorf("Select gives a target that is none: %v", err)
				}
			}
			learning.TagVersions(p, "postgres-instance", []string{"v17.5-v4.3.1"})
			for _, telling := range learning.TellingOf(p) {
				telling.Read([]string{"v17.5-v4.3.1"})
			}
		}
		if bytes.Contains(data, []byte("\x00")) {
			t.Errorf("Merge(%q) = no error, want one", data)
		}
	})
}
