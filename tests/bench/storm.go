package main

import (
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
	"github.com/pgrelocate/pgrelocate/tests/bench/families"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
	"github.com/pgrelocate/pgrelocate/tests/bench/processes"
)

// storm copies the family while 40 % of downloads and 10 % of uploads are cut and 10 % of
// requests are refused with 429 or 503.
func (b *bench) storm() {
	f := b.seed(families.New(b.opts.scale))
	b.describe(f)
	b.scoped(func() {
		behind := b.startRegistry(registrytest.Options{Root: f.Root, ReadOnly: true})
		for _, t := range b.tools {
			if t.family && b.ctx.Err() == nil {
				b.scoped(func() { b.report.Storm = append(b.report.Storm, b.tryStorm(t, f, behind)) })
			}
		}
	})
}

func (b *bench) tryStorm(t *tool, f *families.Family, behind *registrytest.Registry) figures.StormRow {
	weather := faults.Storm{Seed: 1, CutDownloads: 0.4, CutUploads: 0.1, Busy: 0.1, Pause: time.Second}
	var read registrytest.Counter
	source := registrytest.Front(b, behind, read.Wrap, weather.Fault())
	empty := b.startRegistry(registrytest.Options{})
	target := registrytest.Front(b, empty, weather.Fault())
	j := &job{source: source.Host, target: target.Host, artifacts: f.Spec.Artifacts, family: f.Spec, dir: b.TempDir()}
	c := b.runInner(processes.Batch{Commands: t.commands(t, j), Parallel: t.parallel, Timeout: b.opts.timeout})
	ideal := float64(f.Unique() + f.Manifests)
	row := figures.StormRow{
		Tool: t.name, Ours: t.ours, Cost: c, Arrived: b.arrived(empty, f),
		Refetched: float64(read.Counts().BytesSent)/ideal - 1,
	}
	b.Logf("  storm: %-20s %d of %d arrived, %+.1f %% of the bytes, %.1f s", t.name, row.Arrived, len(f.Spec.Artifacts), 100*row.Refetched, c.Wall)
	return row
}
