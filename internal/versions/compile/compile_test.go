package compile_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/errortest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
)

// A mistake in a file is told with the place, and with what would be right.
func TestCompileRefuses(t *testing.T) {
	data, err := os.ReadFile("../testdata/axes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	axesFile := string(data)
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
		{"a chart that requires no product", "repository: charts/db,", "repository: charts/db, requires: [{product: Other}],", "charts.chart: requires: product: Other is no name of a product"},
		{"a key of what a chart requires", "repository: charts/db,", "repository: charts/db, requires: [{produkt: other}],", "produkt is not a key of shapes.usual.charts.requires; did you mean product?"},
		{"a chart without a repository", "repository: charts/db,", "", "charts.chart: repository: the repository is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(axesFile, tt.old) {
				t.Fatalf("the file has no %q", tt.old)
			}
			_, err := catalogue.Merge(&versions.Catalogue{}, "axes.yaml", []byte(strings.Replace(axesFile, tt.old, tt.new, 1)))
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
	if _, err := catalogue.Merge(&versions.Catalogue{}, "many.yaml", []byte(file)); err == nil || !strings.Contains(err.Error(), "more than 10000 images") {
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
		_, err := catalogue.Merge(&versions.Catalogue{}, "h.yaml", []byte(text))
		if (tt.want == "") != (err == nil) || !strings.Contains(errortest.Message(err), tt.want) {
			t.Errorf("Merge(at %.20s, value %.20s) = %v, want %q", tt.at, tt.value, err, tt.want)
		}
	}
	if _, err := catalogue.Merge(&versions.Catalogue{}, "h.yaml", []byte(strings.Replace(file, "title: T", `title: "a\nfailed: b"`, 1))); !strings.Contains(errortest.Message(err), "title: it has to be one line") {
		t.Errorf("Merge(a title of two lines) = %v, want it refused", err)
	}
}

// What no cluster takes, and what leads nowhere, is found when the file is read.
func TestClusterIsChecked(t *testing.T) {
	const file = `{product: h, target: h, registries: {r: registry.example.com}, cluster: {CLUSTER}, shapes: {s: {registry: r,
  images: [{name: operator, repository: op, tag: "1"}]}}, releases: {1.0.0: {}}}`
	tests := []struct{ cluster, want string }{
		{"namespace: a-b, helmRelease: a.b, pullSecret: a.b-c", ""},
		{"namespace: A_b", "cluster: namespace: A_b is no name for one"},
		{"namespace: a.b", "cluster: namespace: a.b is no name for one"},
		{"helmRelease: " + strings.Repeat("a", 54), "53 at most"},
		{"pullSecret: 'my secret'", `cluster: pullSecret: "my secret" is no name for one`},
		{"offers: [{group: a, kind: B, image: 'spec.a[*].b[*].c'}]", `cluster: offers: B: image: "spec.a[*].b[*].c": it goes through more than one list`},
		{"offers: [{group: a, kind: B, image: 'spec..c'}]", "has an empty element"},
		{"databases: [{group: a, kind: B, version: '[*]'}]", `cluster: databases: B: version: "[*]" has an empty element`},
		{"requires: [x]", "line 1: cluster.requires: write keys with values, and not a text"},
		{"requires: {product: x}", "line 1: cluster.requires: write a list, and not keys with values"},
		{"namespace: [a]", "line 1: cluster.namespace: write a text, and not a list"},
	}
	for _, tt := range tests {
		_, err := catalogue.Merge(&versions.Catalogue{}, "h.yaml", []byte(strings.Replace(file, "CLUSTER", tt.cluster, 1)))
		if (tt.want == "") != (err == nil) || !strings.Contains(errortest.Message(err), tt.want) {
			t.Errorf("Merge(cluster %s) = %v, want %q", tt.cluster, err, tt.want)
		}
	}
}
