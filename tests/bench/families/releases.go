package families

import (
	"fmt"
	"strings"
)

// tiny makes layers so small that what is measured is requests, and what is kept in memory of each
// artifact: 3 MB a release.
const tiny = 0.002

// Releases is a family of n releases as New has one: of each everything but the base, the
// tools that instances share, and FerretDB is its own.
func Releases(n int) *Spec {
	f := &Spec{Name: "releases", Layers: map[string]int64{}}
	for i := range n {
		one := New(tiny)
		of := fmt.Sprintf("v1.0.%d", i+1)
		f.Releases = append(f.Releases, of)
		for _, a := range one.Artifacts {
			if a.Repository == "ferretdb" && i > 0 {
				continue
			}
			f.Artifacts = append(f.Artifacts, a.inRelease(of, one, f))
		}
	}
	return f
}

// inRelease is an artifact of another release, whose layers it brings into a family.
func (a Artifact) inRelease(of string, from, into *Spec) Artifact {
	moved := Artifact{Repository: a.Repository, Tag: strings.Replace(a.Tag, Release, of, 1), chart: a.chart}
	for _, name := range a.Layers {
		own := name
		if name != "base" && name != "instance tools" && a.Repository != "ferretdb" {
			own = name + " of " + of
		}
		into.Layers[own] = from.Layers[name]
		moved.Layers = append(moved.Layers, own)
	}
	return moved
}

// Catalogue is what pgrelocate has to know of a family of several releases.
func (f *Spec) Catalogue() string {
	var text strings.Builder
	text.WriteString(`product: releases
target: ` + Folder + `
registries:
  vendor: registry.example.com
shapes:
  all:
    registry: vendor
    axes:
      edition: {values: [full, lite], write: {full: "", lite: "-lite"}}
    images:
      - {name: operator, repository: postgres-operator, tag: "{release}"}
      - {name: instance, repository: postgres-instance, tag: "v{version}{edition}-{release}", axes: [version, edition]}
      - {name: ferretdb, repository: ferretdb, tag: v2.3.1}
    charts:
      - {name: chart, repository: vmware-sql-postgres-operator, tag: "{release}"}
releases:
`)
	for _, name := range f.Releases {
		fmt.Fprintf(&text, "  %s: {shape: all, versions: ['%s']}\n", name, strings.Join(versions, "', '"))
	}
	return text.String()
}
