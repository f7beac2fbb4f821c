package main

import (
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/bench/families"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
	"github.com/pgrelocate/pgrelocate/tests/bench/processes"
)

// targetsRun is a row in the making, with what is run for it.
type targetsRun struct {
	figures.TargetsRow
	tool *tool
	// together is one run for all registries, and not one after the other.
	together bool
}

// targets copies the family to several empty registries: from one reading, and in a loop.
func (b *bench) targets() {
	f := b.seed(families.New(b.opts.scale))
	b.describe(f)
	b.scoped(func() {
		source := b.startWire(b.opts.source, registrytest.Options{Root: f.Root, ReadOnly: true})
		b.drain(f, source)
		rows := b.targetsRows()
		for run := range b.opts.runs {
			b.Logf("run %d of %d", run+1, b.opts.runs)
			for _, row := range rows {
				b.copyToSeveral(row, f, source)
			}
		}
		for _, row := range rows {
			b.report.Targets = append(b.report.Targets, &row.TargetsRow)
		}
	})
}

func (b *bench) targetsRows() []*targetsRun {
	var rows []*targetsRun
	for _, t := range b.tools {
		switch {
		case t.name == "pgrelocate":
			rows = append(rows,
				&targetsRun{TargetsRow: figures.TargetsRow{Tool: t.name, Ours: true, Targets: 1}, tool: t},
				&targetsRun{TargetsRow: figures.TargetsRow{Tool: t.name, Ours: true, Targets: 2}, tool: t, together: true},
				&targetsRun{TargetsRow: figures.TargetsRow{Tool: t.name, Ours: true, Targets: 3}, tool: t, together: true},
				&targetsRun{TargetsRow: figures.TargetsRow{Tool: t.name + ", a run each", Ours: true, Targets: 2}, tool: t})
		case t.binary != "" && t.family && t.many && len(t.versionArgs) > 0 && t.versionLine == "": // crane, 8 at a time
			rows = append(rows, &targetsRun{TargetsRow: figures.TargetsRow{Tool: t.name + ", a loop each", Targets: 2}, tool: t})
		}
	}
	return rows
}

// copyToSeveral measures one way, to registries of its own. What the targets got is all of theirs.
func (b *bench) copyToSeveral(row *targetsRun, f *families.Family, source *wire) {
	if b.ctx.Err() != nil {
		return
	}
	b.scoped(func() {
		var wires []*wire
		var commands [][]string
		for range row.Targets {
			target := b.startWire(b.opts.target, registrytest.Options{})
			wires = append(wires, target)
			made := row.tool.commands(row.tool, &job{source: source.host(), target: target.host(), artifacts: f.Spec.Artifacts, family: f.Spec, dir: b.TempDir()})
			if row.together && len(commands) > 0 {
				commands[0] = append(commands[0], "--registry", target.host())
				continue
			}
			commands = append(commands, made...)
		}
		var s figures.Sample
		work := processes.Batch{Commands: commands, Parallel: row.tool.parallel, Timeout: b.opts.timeout}
		s.Source = source.measured(func() { s.Cost = b.runInner(work) })
		for _, target := range wires {
			s.Arrived += b.arrived(target.registry, f)
		}
		row.Samples = append(row.Samples, s)
		b.Logf("  %-28s %d registries %6.2f s, %5.2f CPU seconds, %d requests to the source, %.3f times the bytes, %d arrived, %.0f MiB own %s", row.Tool, row.Targets,
			s.Wall, s.CPU, s.Source.Requests, float64(s.Source.BlobBytes)/float64(f.Unique()), s.Arrived, s.Own, s.Said)
	})
}
