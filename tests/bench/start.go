package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// starts is how often each program is started in each of the runs.
const starts = 20

// startCommands do nothing but start and say a version: ours, the leanest of its peers, and those
// that are made of the same Helm and Kubernetes packages.
var startCommands = [][]string{{"pgrelocate", "version"}, {"crane", "version"}, {"helm", "version"}, {"kubectl", "version", "--client"}}

// startRow is one program in part start.
type startRow struct {
	Command string   `json:"command"`
	Ours    bool     `json:"ours,omitempty"`
	Samples []sample `json:"samples"`
	args    []string
}

// start starts each program that there is, in turn.
func (b *bench) start() {
	for _, command := range startCommands {
		if row := b.startRow(command); row != nil {
			b.report.Start = append(b.report.Start, row)
		}
	}
	for range starts * b.opts.runs {
		for _, row := range b.report.Start {
			if b.ctx.Err() != nil {
				return
			}
			c := b.runInner(batch{Commands: [][]string{row.args}, Timeout: b.opts.timeout})
			if c.Failed > 0 {
				b.Fatalf("%s: %s", row.Command, c.Said)
			}
			row.Samples = append(row.Samples, sample{cost: c})
		}
	}
	for _, row := range b.report.Start {
		b.Logf("  %-25s %.3f s, %.3f CPU seconds", row.Command, median(row.Samples, wall), median(row.Samples, cpu))
	}
}

// startRow is nil where the program is not there.
func (b *bench) startRow(command []string) *startRow {
	row := &startRow{Command: strings.Join(command, " "), Ours: command[0] == "pgrelocate"}
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
	row.args = append([]string{path}, command[1:]...)
	return row
}

func (r *report) printStart(p *printer) {
	if len(r.Start) == 0 {
		return
	}
	p.title("Start-up")
	p.line("Medians of %d.\n", len(r.Start[0].Samples))
	var rows [][]string
	for _, row := range r.Start {
		rows = append(rows, []string{"`" + row.Command + "`", fmt.Sprintf("%.3f", median(row.Samples, wall)),
			fmt.Sprintf("%.3f", median(row.Samples, cpu)), fmt.Sprintf("%.0f", median(row.Samples, largest))})
	}
	p.table([]string{"", "seconds", "CPU seconds", "MiB resident"}, rows)
}

// judgeStart wants to start faster than Helm's own program, which is made of the same packages.
func (r *report) judgeStart() {
	var ours, helm *startRow
	for _, row := range r.Start {
		switch {
		case row.Ours:
			ours = row
		case strings.HasPrefix(row.Command, "helm "):
			helm = row
		}
	}
	if ours == nil || helm == nil {
		return
	}
	limit, got := median(helm.Samples, wall), median(ours.Samples, wall)
	r.bar("start-up, seconds", got < limit, fmt.Sprintf("below helm's %.3f", limit), "%.3f", got)
}
