package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
)

// growthScale makes layers so small that what is measured is requests, and what is kept in memory
// of each artifact: 3 MB a release.
const growthScale = 0.002

// growthTimeout is for one command that copies thousands of artifacts.
const growthTimeout = 20 * time.Minute

// growth copies more and more releases, cold and warm. One run of each: what grows a hundredfold
// shows beside any noise.
func (b *bench) growth() {
	for _, n := range b.opts.growth {
		f := b.seed(newReleases(n))
		step := &figures.GrowthStep{Releases: n, Artifacts: len(f.spec.artifacts), Blobs: len(f.Blobs)}
		b.report.Growth = append(b.report.Growth, step)
		b.scoped(func() {
			source := b.startWire(b.opts.source, registrytest.Options{Root: f.Root, ReadOnly: true})
			for _, row := range b.growthRows() {
				b.coldAndWarm(row, f, source, false, registrytest.Options{})
				step.Rows = append(step.Rows, row.SpeedRow)
			}
		})
	}
}

// growthRows are the tools that copy many images at once. Those that take one after the other would
// need an hour, and are no measure for one that does not.
func (b *bench) growthRows() []toolRow {
	var rows []toolRow
	add := func(name string, t *tool, bare bool) {
		t = t.within(growthTimeout)
		rows = append(rows, toolRow{&figures.SpeedRow{Tool: name, Ours: t.ours, Bare: bare}, t})
	}
	for _, t := range b.tools {
		switch {
		case t.ours || t.name == figures.BaselineName:
			add(t.name, t, false)
			add(t.name+" "+figures.NoSignatures, t.with(figures.NoSignatures), true)
			add(t.name+figures.WithLock, t.with("--lock="+filepath.Join(b.TempDir(), "pgrelocate.lock")), false)
		case t.many:
			add(t.name, t, false)
		}
	}
	return rows
}

// newReleases is a family of n releases as newFamily has one: of each everything but the base, the
// tools that instances share, and FerretDB is its own.
func newReleases(n int) *familySpec {
	f := &familySpec{name: "releases", layers: map[string]int64{}}
	for i := range n {
		one := newFamily(growthScale)
		of := fmt.Sprintf("v1.0.%d", i+1)
		f.releases = append(f.releases, of)
		for _, a := range one.artifacts {
			if a.Repository == "ferretdb" && i > 0 {
				continue
			}
			f.artifacts = append(f.artifacts, a.inRelease(of, one, f))
		}
	}
	return f
}

// inRelease is an artifact of another release, whose layers it brings into a family.
func (a artifactSpec) inRelease(of string, from, into *familySpec) artifactSpec {
	moved := artifactSpec{Repository: a.Repository, Tag: strings.Replace(a.Tag, release, of, 1), chart: a.chart}
	for _, name := range a.Layers {
		own := name
		if name != "base" && name != "instance tools" && a.Repository != "ferretdb" {
			own = name + " of " + of
		}
		into.layers[own] = from.layers[name]
		moved.Layers = append(moved.Layers, own)
	}
	return moved
}

// releasesCatalogue is what pgrelocate has to know of a family of several releases.
func (f *familySpec) releasesCatalogue() string {
	var text strings.Builder
	text.WriteString(`product: releases
target: ` + folder + `
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
	for _, name := range f.releases {
		fmt.Fprintf(&text, "  %s: {shape: all, versions: ['%s']}\n", name, strings.Join(versionsInOrder, "', '"))
	}
	return text.String()
}
