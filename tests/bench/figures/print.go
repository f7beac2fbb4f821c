package figures

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Print writes the report as the tables of a Markdown page.
func (r *Report) Print(w io.Writer) { r.printOn(&printer{Writer: w}) }

func (r *Report) printOn(p *printer) {
	p.line("%s, %d cores, %s; %s; registries: %s", r.Machine.Processor, r.Machine.Cores, r.Machine.OS, r.Machine.Go, r.registries())
	p.line("Source: %s. Target: %s.", r.Setting.Source, r.Setting.Target)
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		p.line("- %s: %s", name, r.Versions[name])
	}
	if len(r.Missing) > 0 {
		p.line("Not installed and left out: %s.", strings.Join(r.Missing, ", "))
	}
	r.printSpeed(p)
	r.printTLS(p)
	r.printMemory(p)
	r.printFaults(p)
	r.printStorm(p)
	r.printBundle(p)
	r.printStart(p)
	r.printTargets(p)
	r.printGrowth(p)
	r.printBars(p)
}

func (r *Report) registries() string {
	if r.Setting.Registry == "distribution" {
		return "distribution v3"
	}
	return "docker-registry 2.8.2"
}

// pictures are shown beside the tables on a page, which has their files beside it.
type printer struct {
	io.Writer
	pictures bool
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *printer) title(format string, args ...any) { p.line("\n## "+format+"\n", args...) }

// table writes a Markdown table; all columns but the first are figures.
func (p *printer) table(head []string, rows [][]string) {
	p.line("| %s |", strings.Join(head, " | "))
	p.line("|---%s|", strings.Repeat("|--:", len(head)-1))
	for _, row := range rows {
		p.line("| %s |", strings.Join(row, " | "))
	}
	p.line("")
}

// times is a ratio, "1.75 ×"; nothing where there is nothing to compare with.
func times(value, of float64) string {
	if of <= 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f ×", value/of)
}

func (r *Report) printSpeed(p *printer) {
	if len(r.Speed) == 0 {
		return
	}
	f := r.Family
	p.title("Speed: %d artifacts, %d distinct blobs in %d places, %.2f GB", f.Artifacts, f.Blobs, f.Places, float64(f.Unique)/1e9)
	p.line("Medians of %d. The wire allows %.2f s cold and %.2f s warm; the source alone, thrown away, took %.2f s.\n",
		r.Setting.Runs, f.ColdLimit, f.WarmLimit, middle(r.Drain))
	if len(r.Loop) > 0 {
		p.line("To read the same over the same links, compute its SHA-256 and write it on, with no registry to be asked for\n"+
			"anything, took %.2f s and %.2f CPU seconds: the least that a copy costs here whose content is checked.\n",
			r.loop(Wall), r.loop(CPU))
	}
	p.picture(speedPicture)
	speedTables(p, r.Speed, f)
}

// loop is a median of the bare loops.
func (r *Report) loop(f func(Sample) float64) float64 {
	var all []Sample
	for _, c := range r.Loop {
		all = append(all, Sample{Cost: c})
	}
	return Median(all, f)
}

func speedTables(p *printer, rows []*SpeedRow, f *Family) {
	ours := oursOf(rows)
	var cold, warm [][]string
	for _, row := range rows {
		cold = append(cold, []string{
			row.Tool,
			fmt.Sprintf("%d", int(Median(row.Cold, arrivedCount))),
			fmt.Sprintf("%.2f", Median(row.Cold, Wall)), times(Median(row.Cold, Wall), ours.cold(Wall)), times(Median(row.Cold, Wall), f.ColdLimit),
			fmt.Sprintf("%.2f", Median(row.Cold, CPU)), times(Median(row.Cold, CPU), ours.cold(CPU)),
			memoryOf(row.Cold), fmt.Sprintf("%.0f", Median(row.Cold, together)),
			fmt.Sprintf("%.3f", Median(row.Cold, fetched)/float64(f.Unique)),
			fmt.Sprintf("%.3f", Median(row.Cold, sent)/float64(f.Unique)),
			fmt.Sprintf("%.0f / %.0f", Median(row.Cold, sourceRequests), Median(row.Cold, targetRequests)),
		})
		warm = append(warm, []string{
			row.Tool,
			fmt.Sprintf("%.2f", Median(row.Warm, Wall)), times(Median(row.Warm, Wall), ours.warm(Wall)),
			fmt.Sprintf("%.2f", Median(row.Warm, CPU)), times(Median(row.Warm, CPU), ours.warm(CPU)),
			memoryOf(row.Warm),
			fmt.Sprintf("%.0f / %.0f", Median(row.Warm, sourceRequests), Median(row.Warm, targetRequests)),
		})
	}
	p.table([]string{"cold", "arrived", "seconds", "to ours", "to the wire", "CPU seconds", "to ours",
		memoryHead, "of all at once", "fetched ÷ unique", "sent ÷ unique", "requests source / target"}, cold)
	p.table([]string{"warm", "seconds", "to ours", "CPU seconds", "to ours", memoryHead, "requests source / target"}, warm)
}

const memoryHead = "MiB resident / of its own"

// memoryOf is the peak of what the largest process had in memory, and of what it had asked for.
func memoryOf(samples []Sample) string {
	asked := Median(samples, own)
	if asked == 0 {
		return fmt.Sprintf("%.0f / –", Median(samples, largest))
	}
	return fmt.Sprintf("%.0f / %.0f", Median(samples, largest), asked)
}

// oursOf is pgrelocate's row, or one without figures.
func oursOf(rows []*SpeedRow) *SpeedRow {
	for _, row := range rows {
		if row.Ours {
			return row
		}
	}
	return &SpeedRow{}
}

func (r *SpeedRow) cold(f func(Sample) float64) float64 { return Median(r.Cold, f) }
func (r *SpeedRow) warm(f func(Sample) float64) float64 { return Median(r.Warm, f) }

func (r *Report) printTLS(p *printer) {
	if len(r.TLS) == 0 {
		return
	}
	p.title("TLS")
	var rows [][]string
	for _, row := range r.TLS {
		rows = append(rows, []string{
			row.Tool, fmt.Sprintf("%.2f", row.cold(Wall)), fmt.Sprintf("%.2f", row.cold(CPU)),
			memoryOf(row.Cold),
			fmt.Sprintf("%.0f / %.0f", row.cold(sourceConnections), row.cold(targetConnections)),
			fmt.Sprintf("%.2f", row.warm(Wall)),
		})
	}
	p.table([]string{"", "cold: seconds", "CPU seconds", memoryHead, "connections source / target", "warm: seconds"}, rows)
}

func sourceConnections(s Sample) float64 { return float64(s.Source.Connections) }
func targetConnections(s Sample) float64 { return float64(s.Target.Connections) }

func (r *Report) printMemory(p *printer) {
	if len(r.Memory) == 0 {
		return
	}
	p.title("One image with a layer of %d MiB", r.Asked.LargeLayer>>20)
	var rows [][]string
	for _, row := range r.Memory {
		over := "plain HTTP"
		if row.TLS {
			over = "TLS"
		}
		s := row.Sample
		rows = append(rows, []string{
			row.Tool + ", " + over, fmt.Sprintf("%d", s.Arrived), memoryOf([]Sample{s}),
			fmt.Sprintf("%.2f", s.Wall), fmt.Sprintf("%.2f", s.CPU),
		})
	}
	p.table([]string{"", "arrived", memoryHead, "seconds", "CPU seconds"}, rows)
}

func (r *Report) printFaults(p *printer) {
	if len(r.Faults) == 0 {
		return
	}
	p.title("Faults: one layer of %d MiB; MiB read from the source / sent to the target", r.Asked.FaultLayer>>20)
	head := []string{"fault", "ideal"}
	for _, o := range r.Faults[0].Outcomes {
		head = append(head, o.Tool)
	}
	var rows [][]string
	for _, f := range r.Faults {
		row := []string{f.Fault, fmt.Sprintf("%.0f / %.0f", f.MostRead, f.MostSent)}
		for _, o := range f.Outcomes {
			row = append(row, o.String())
		}
		rows = append(rows, row)
	}
	p.table(head, rows)
	p.line("Ideal is each byte once and, where a piece is lost on the way, that piece again. A tool hangs that does not end within %v.\n", r.Asked.FaultTimeout)
}

// String is a cell of the table.
func (o Outcome) String() string {
	if o.Result == "ok" {
		return fmt.Sprintf("ok %.0f / %.0f", o.Read, o.Sent)
	}
	return "**" + o.Result + "**"
}

func (r *Report) printStorm(p *printer) {
	if len(r.Storm) == 0 {
		return
	}
	p.title("Storm: 40 %% of downloads and 10 %% of uploads cut, 10 %% of requests refused")
	var rows [][]string
	for _, row := range r.Storm {
		rows = append(rows, []string{
			row.Tool, fmt.Sprintf("%d of %d", row.Arrived, r.Family.Artifacts),
			fmt.Sprintf("%+.1f %%", 100*row.Refetched), fmt.Sprintf("%.1f", row.Wall),
		})
	}
	p.table([]string{"", "arrived", "fetched beyond unique", "seconds"}, rows)
}

func (r *Report) printBars(p *printer) {
	if len(r.Bars) == 0 {
		return
	}
	p.title("Bars")
	var rows [][]string
	for _, b := range r.Bars {
		verdict := "pass"
		if !b.Pass {
			verdict = "**MISSED**"
		}
		rows = append(rows, []string{b.Name, b.Want, b.Got, verdict})
	}
	p.table([]string{"bar", "asked for", "measured", ""}, rows)
}

// middle is the median of figures.
func middle(values []float64) float64 {
	var samples []Sample
	for _, v := range values {
		samples = append(samples, Sample{Cost: Cost{Wall: v}})
	}
	return Median(samples, Wall)
}
