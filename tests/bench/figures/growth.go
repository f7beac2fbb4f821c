package figures

import (
	"fmt"
	"strings"
)

func (r *Report) printGrowth(p *printer) {
	if len(r.Growth) == 0 {
		return
	}
	p.title("How cost grows: %d to %d artifacts", r.Growth[0].Artifacts, r.Growth[len(r.Growth)-1].Artifacts)
	p.line("Layers are small, some 3 MB a release, so that requests are what costs. One run of each.\n")
	p.picture(growthPicture)
	var rows [][]string
	for _, step := range r.Growth {
		for _, row := range step.Rows {
			rows = append(rows, []string{
				fmt.Sprintf("%d", step.Artifacts), row.Tool, fmt.Sprintf("%.0f", row.cold(arrivedCount)),
				fmt.Sprintf("%.2f", row.cold(Wall)), fmt.Sprintf("%.2f", row.cold(CPU)), memoryOf(row.Cold), requestsOf(row.Cold),
				fmt.Sprintf("%.2f", row.warm(Wall)), fmt.Sprintf("%.2f", row.warm(CPU)), memoryOf(row.Warm), requestsOf(row.Warm),
			})
		}
	}
	p.table([]string{"artifacts", "", "arrived", "cold: seconds", "CPU seconds", memoryHead, "requests source / target",
		"warm: seconds", "CPU seconds", memoryHead, "requests source / target"}, rows)
}

func requestsOf(samples []Sample) string {
	return fmt.Sprintf("%.0f / %.0f", Median(samples, sourceRequests), Median(samples, targetRequests))
}

// mostGrown is what a copy of any number of artifacts may ask for, in MiB.
const mostGrown = 40

func (r *Report) judgeGrowth() {
	for _, step := range r.Growth {
		of := fmt.Sprintf("%d artifacts, ", step.Artifacts)
		most, slowest := 0.0, 0.0
		var over []string
		for _, row := range step.Rows {
			if row.Ours && len(row.Warm) > 0 {
				most, slowest = max(most, row.cold(own), row.warm(own)), max(slowest, row.warm(Wall))
				over = append(over, step.aboveFloor(row)...)
			}
		}
		if slowest == 0 {
			continue // pgrelocate did not take part
		}
		r.barMemory(of+"memory of its own", true, most, mostGrown)
		got := "none"
		if len(over) > 0 {
			got = strings.Join(over, "; ")
		}
		r.bar(of+"requests beyond the floor", len(over) == 0, "none", "%s", got)
		if fastest, seconds := step.fastestPeer(); fastest != "" {
			r.bar(of+"warm, seconds", slowest <= seconds, fmt.Sprintf("≤ %s's %.2f", fastest, seconds), "%.2f", slowest)
		}
	}
}

// aboveFloor names what took more requests than it needs, beside those for authentication. A cold
// copy asks the source for each manifest and blob, and to find signatures for a list of tags of
// each of the four repositories and one question more. A warm one asks both sides once an
// artifact, and with a lock the source nothing.
func (step *GrowthStep) aboveFloor(row *SpeedRow) []string {
	const signatures = 5
	cold, warm := step.Artifacts+step.Blobs+signatures, step.Artifacts+signatures
	switch {
	case row.Bare:
		cold, warm = cold-signatures, warm-signatures
	case strings.HasSuffix(row.Tool, WithLock):
		warm = 0
	}
	atSource := func(s Sample) float64 { return sourceRequests(s) - sourceAuth(s) }
	atTarget := func(s Sample) float64 { return targetRequests(s) - targetAuth(s) }
	var over []string
	hold := func(what string, got float64, floor int) {
		if got > float64(floor) {
			over = append(over, fmt.Sprintf("%s, %s: %.0f of %d", row.Tool, what, got, floor))
		}
	}
	hold("cold, source", row.cold(atSource), cold)
	hold("warm, source", row.warm(atSource), warm)
	hold("warm, target", row.warm(atTarget), step.Artifacts)
	return over
}

// fastestPeer is the one whose copy that finds all there is over first; no name is none.
func (step *GrowthStep) fastestPeer() (name string, seconds float64) {
	for _, row := range step.Rows {
		if !row.Ours && row.Tool != BaselineName && row.warm(arrivedCount) == float64(step.Artifacts) {
			better(&name, &seconds, row.Tool, row.warm(Wall))
		}
	}
	return name, seconds
}
