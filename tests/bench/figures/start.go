package figures

import (
	"fmt"
	"strings"
)

// StartRow is one program in part start.
type StartRow struct {
	Command string   `json:"command"`
	Ours    bool     `json:"ours,omitempty"`
	Samples []Sample `json:"samples"`
}

func (r *Report) printStart(p *printer) {
	if len(r.Start) == 0 {
		return
	}
	p.title("Start-up")
	p.line("Medians of %d.\n", len(r.Start[0].Samples))
	var rows [][]string
	for _, row := range r.Start {
		rows = append(rows, []string{"`" + row.Command + "`", fmt.Sprintf("%.3f", Median(row.Samples, Wall)),
			fmt.Sprintf("%.3f", Median(row.Samples, CPU)), fmt.Sprintf("%.0f", Median(row.Samples, largest))})
	}
	p.table([]string{"", "seconds", "CPU seconds", "MiB resident"}, rows)
}

// judgeStart wants to start faster than Helm's own program, which is made of the same packages.
func (r *Report) judgeStart() {
	var ours, helm *StartRow
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
	limit, got := Median(helm.Samples, Wall), Median(ours.Samples, Wall)
	r.bar("start-up, seconds", got < limit, fmt.Sprintf("below helm's %.3f", limit), "%.3f", got)
}
