package main

import (
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
	"github.com/pgrelocate/pgrelocate/tests/bench/processes"
)

// starts is how often each program is started in each of the runs.
const starts = 20

// startCommands do nothing but start and say a version: ours, the leanest of its peers, and those
// that are made of the same Helm and Kubernetes packages.
var startCommands = [][]string{{"pgrelocate", "version"}, {"crane", "version"}, {"helm", "version"}, {"kubectl", "version", "--client"}}

// startRun is a row in the making, with what starts its program.
type startRun struct {
	figures.StartRow
	command []string
}

// start starts each program that there is, in turn.
func (b *bench) start() {
	var rows []*startRun
	for _, command := range startCommands {
		if row := b.startRun(command); row != nil {
			rows, b.report.Start = append(rows, row), append(b.report.Start, &row.StartRow)
		}
	}
	for range starts * b.opts.runs {
		for _, row := range rows {
			if b.ctx.Err() != nil {
				return
			}
			c := b.runInner(processes.Batch{Commands: [][]string{row.command}, Timeout: b.opts.timeout})
			if c.Failed > 0 {
				b.Fatalf("%s: %s", row.Command, c.Said)
			}
			row.Samples = append(row.Samples, figures.Sample{Cost: c})
		}
	}
	for _, row := range rows {
		b.Logf("  %-25s %.3f s, %.3f CPU seconds", row.Command, figures.Median(row.Samples, figures.Wall), figures.Median(row.Samples, figures.CPU))
	}
}

// startRun is nil where the program is not there.
func (b *bench) startRun(command []string) *startRun {
	row := &startRun{StartRow: figures.StartRow{Command: strings.Join(command, " "), Ours: command[0] == "pgrelocate"}}
	binary := command[0]
	if row.Ours {
		binary = b.opts.program
	}
	path, err := exec.LookPath(binary)
	if err != nil {
		b.Logf("%s is not installed: left out", binary)
		b.report.Missing = append(b.report.Missing, row.Command)
		return nil
	}
	path, err = filepath.Abs(path)
	b.check(err)
	row.command = append([]string{path}, command[1:]...)
	return row
}
