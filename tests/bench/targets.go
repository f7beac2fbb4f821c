package main

import (
	"fmt"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// targetsRow is one way to copy the family to several registries.
type targetsRow struct {
	Tool    string   `json:"tool"`
	Ours    bool     `json:"ours,omitempty"`
	Targets int      `json:"targets"`
	Samples []sample `json:"samples"`
	tool    *tool
	// together is one run for all registries, and not one after the other.
	together bool
}

// targets copies the family to several empty registries: from one reading, and in a loop.
func (b *bench) targets() {
	f := b.seed(newFamily(b.opts.scale))
	b.report.describe(f)
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
		b.report.Targets = rows
	})
}

func (b *bench) targetsRows() []*targetsRow {
	var rows []*targetsRow
	for _, t := range b.tools {
		switch {
		case t.name == "pgrelocate":
			rows = append(rows,
				&targetsRow{Tool: t.name, Ours: true, Targets: 1, tool: t},
				&targetsRow{Tool: t.name, Ours: true, Targets: 2, tool: t, together: true},
				&targetsRow{Tool: t.name, Ours: true, Targets: 3, tool: t, together: true},
				&targetsRow{Tool: t.name + ", a run each", Ours: true, Targets: 2, tool: t})
		case t.binary != "" && t.family && t.many && len(t.versionArgs) > 0 && t.versionLine == "": // crane, 8 at a time
			rows = append(rows, &targetsRow{Tool: t.name + ", a loop each", Targets: 2, tool: t})
		}
	}
	return rows
}

// copyToSeveral measures one way, to registries of its own. What the targets got is all of theirs.
func (b *bench) copyToSeveral(row *targetsRow, f *family, source *wire) {
	if b.ctx.Err() != nil {
		return
	}
	b.scoped(func() {
		var wires []*wire
		var commands [][]string
		for range row.Targets {
			target := b.startWire(b.opts.target, registrytest.Options{})
			wires = append(wires, target)
			made := row.tool.commands(row.tool, &job{source: source.host(), target: target.host(), artifacts: f.spec.artifacts, family: f.spec, dir: b.TempDir()})
			if row.together && len(commands) > 0 {
				commands[0] = append(commands[0], "--registry", target.host())
				continue
			}
			commands = append(commands, made...)
		}
		var s sample
		work := batch{Commands: commands, Parallel: row.tool.parallel, Timeout: b.opts.timeout}
		s.Source = source.measured(func() { s.cost = b.runInner(work) })
		for _, target := range wires {
			s.Arrived += b.arrived(target.registry, f)
		}
		row.Samples = append(row.Samples, s)
		b.Logf("  %-28s %d registries %6.2f s, %5.2f CPU seconds, %d requests to the source, %.3f times the bytes, %d arrived, %.0f MiB own %s", row.Tool, row.Targets,
			s.Wall, s.CPU, s.Source.Requests, float64(s.Source.BlobBytes)/float64(f.Unique()), s.Arrived, s.Own, s.Said)
	})
}

func (r *report) printTargets(p *printer) {
	if len(r.Targets) == 0 {
		return
	}
	p.title("Several registries: %d artifacts to each", r.Family.Artifacts)
	p.line("Medians of %d.\n", r.Setting.Runs)
	var rows [][]string
	for _, row := range r.Targets {
		rows = append(rows, []string{
			row.Tool, fmt.Sprint(row.Targets), fmt.Sprintf("%.0f", median(row.Samples, arrivedCount)),
			fmt.Sprintf("%.2f", median(row.Samples, wall)), fmt.Sprintf("%.2f", median(row.Samples, cpu)),
			memoryOf(row.Samples), fmt.Sprintf("%.3f", median(row.Samples, fetched)/float64(r.Family.Unique)),
			fmt.Sprintf("%.0f", median(row.Samples, sourceRequests)),
		})
	}
	p.table([]string{"", "registries", "arrived", "seconds", "CPU seconds", "MiB resident / own", "× the bytes from the source", "requests to it"}, rows)
}
