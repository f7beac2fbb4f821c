package main

import (
	"path/filepath"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/bench/families"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
)

// growthTimeout is for one command that copies thousands of artifacts.
const growthTimeout = 20 * time.Minute

// growth copies more and more releases, cold and warm. One run of each: what grows a hundredfold
// shows beside any noise.
func (b *bench) growth() {
	for _, n := range b.opts.growth {
		f := b.seed(families.Releases(n))
		step := &figures.GrowthStep{Releases: n, Artifacts: len(f.Spec.Artifacts), Blobs: len(f.Blobs)}
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
