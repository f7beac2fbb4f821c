package figures

import "fmt"

// TargetsRow is one way to copy the family to several registries.
type TargetsRow struct {
	Tool    string   `json:"tool"`
	Ours    bool     `json:"ours,omitempty"`
	Targets int      `json:"targets"`
	Samples []Sample `json:"samples"`
}

func (r *Report) printTargets(p *printer) {
	if len(r.Targets) == 0 {
		return
	}
	p.title("Several registries: %d artifacts to each", r.Family.Artifacts)
	p.line("Medians of %d.\n", r.Setting.Runs)
	var rows [][]string
	for _, row := range r.Targets {
		rows = append(rows, []string{
			row.Tool, fmt.Sprint(row.Targets), fmt.Sprintf("%.0f", Median(row.Samples, arrivedCount)),
			fmt.Sprintf("%.2f", Median(row.Samples, Wall)), fmt.Sprintf("%.2f", Median(row.Samples, CPU)),
			memoryOf(row.Samples), fmt.Sprintf("%.3f", Median(row.Samples, fetched)/float64(r.Family.Unique)),
			fmt.Sprintf("%.0f", Median(row.Samples, sourceRequests)),
		})
	}
	p.table([]string{"", "registries", "arrived", "seconds", "CPU seconds", "MiB resident / own", "× the bytes from the source", "requests to it"}, rows)
}
