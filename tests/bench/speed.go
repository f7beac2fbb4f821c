package main

import (
	"os"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/bench/families"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
	"github.com/pgrelocate/pgrelocate/tests/bench/processes"
)

// speed copies the family with every tool, cold and warm. The tools take turns, so that a
// machine that is slower for a while is so for all.
func (b *bench) speed() {
	f := b.seed(families.New(b.opts.scale))
	b.describe(f)
	b.scoped(func() {
		source := b.startWire(b.opts.source, registrytest.Options{Root: f.Root, ReadOnly: true})
		b.drain(f, source)
		rows := b.speedRows()
		for run := range b.opts.runs {
			b.Logf("run %d of %d", run+1, b.opts.runs)
			b.report.Drain = append(b.report.Drain, b.drain(f, source))
			b.report.Loop = append(b.report.Loop, b.bareLoop(f, source))
			for _, row := range rows {
				b.coldAndWarm(row, f, source, false, registrytest.Options{})
			}
		}
		for _, row := range rows {
			b.report.Speed = append(b.report.Speed, row.SpeedRow)
		}
	})
}

type toolRow struct {
	*figures.SpeedRow
	tool *tool
}

func (b *bench) speedRows() []toolRow {
	var rows []toolRow
	for _, t := range b.tools {
		if t.family {
			rows = append(rows, toolRow{&figures.SpeedRow{Tool: t.name, Ours: t.ours, Unchecked: t.unchecked}, t})
		}
		if t.ours {
			rows = append(rows, toolRow{&figures.SpeedRow{Tool: t.name + " " + figures.NoSignatures, Ours: true, Bare: true}, t.with(figures.NoSignatures)})
		}
	}
	return rows
}

// coldAndWarm copies to a target of its own, twice.
func (b *bench) coldAndWarm(row toolRow, f *families.Family, source *wire, secure bool, opts registrytest.Options) {
	if b.ctx.Err() != nil {
		return
	}
	b.scoped(func() {
		target := b.startWire(b.opts.target, opts)
		cold := b.copyOver(row.tool, f, source, target, secure)
		row.Cold = append(row.Cold, cold)
		b.Logf("  %-20s cold %6.2f s, %5.2f CPU seconds, %d + %d requests, %.2f times the bytes", row.Tool,
			cold.Wall, cold.CPU, cold.Source.Requests, cold.Target.Requests, float64(cold.Source.BlobBytes)/float64(f.Unique()))
		warm := b.copyOver(row.tool, f, source, target, secure)
		row.Warm = append(row.Warm, warm)
		b.Logf("  %-20s warm %6.2f s, %d + %d requests", row.Tool, warm.Wall, warm.Source.Requests, warm.Target.Requests)
	})
}

// drain fetches every blob once, largest first, over as many connections as pgrelocate
// opens, and throws them away: what this machine's source and link can do at best.
func (b *bench) drain(f *families.Family, source *wire) float64 {
	c := b.fetchAll(f, source)
	b.Logf("  the source alone, thrown away: %.2f s", c.Wall)
	return c.Wall
}

// bareLoop fetches the same, computes its SHA-256 and sends it to who throws it away: what this
// machine takes at least for a copy whose content is checked.
func (b *bench) bareLoop(f *families.Family, source *wire) (c figures.Cost) {
	b.scoped(func() { c = b.fetchAll(f, source, b.startSink()) })
	b.Logf("  read, SHA-256 and write alone: %.2f s, %.2f CPU seconds", c.Wall, c.CPU)
	return c
}

func (b *bench) fetchAll(f *families.Family, source *wire, sink ...string) (c figures.Cost) {
	self, err := os.Executable()
	b.check(err)
	b.scoped(func() {
		command := append([]string{self, "inner-drain", source.host(), write(b.TempDir(), "blobs", blobList(f))}, sink...)
		c = b.runInner(processes.Batch{Commands: [][]string{command}, Timeout: b.opts.timeout})
	})
	if c.Failed > 0 {
		b.Fatalf("draining the source: %s", c.Said)
	}
	return c
}
