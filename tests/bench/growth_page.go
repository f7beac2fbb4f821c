package main

import (
	"fmt"
	"strings"
)

func (r *report) printGrowth(p *printer) {
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
				fmt.Sprintf("%.2f", row.cold(wall)), fmt.Sprintf("%.2f", row.cold(cpu)), memoryOf(row.Cold), requestsOf(row.Cold),
				fmt.Sprintf("%.2f", row.warm(wall)), fmt.Sprintf("%.2f", row.warm(cpu)), memoryOf(row.Warm), requestsOf(row.Warm),
			})
		}
	}
	p.table([]string{"artifacts", "", "arrived", "cold: seconds", "CPU seconds", memoryHead, "requests source / target",
		"warm: seconds", "CPU seconds", memoryHead, "requests source / target"}, rows)
}

func requestsOf(samples []sample) string {
	return fmt.Sprintf("%.0f / %.0f", median(samples, sourceRequests), median(samples, targetRequests))
}

// mostGrown is what a copy of any number of artifacts may ask for, in MiB.
const mostGrown = 40

func (r *report) judgeGrowth() {
	for _, step := range r.Growth {
		of := fmt.Sprintf("%d artifacts, ", step.Artifacts)
		most, slowest := 0.0, 0.0
		var over []string
		for _, row := range step.Rows {
			if row.Ours && len(row.Warm) > 0 {
				most, slowest = max(most, row.cold(own), row.warm(own)), max(slowest, row.warm(wall))
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
func (step *growthStep) aboveFloor(row *speedRow) []string {
	const signatures = 5
	cold, warm := step.Artifacts+step.Blobs+signatures, step.Artifacts+signatures
	switch {
	case row.Bare:
		cold, warm = cold-signatures, warm-signatures
	case strings.HasSuffix(row.Tool, withLock):
		warm = 0
	}
	atSource := func(s sample) float64 { return sourceRequests(s) - sourceAuth(s) }
	atTarget := func(s sample) float64 { return targetRequests(s) - targetAuth(s) }
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
func (step *growthStep) fastestPeer() (name string, seconds float64) {
	for _, row := range step.Rows {
		if !row.Ours && row.Tool != baselineName && row.warm(arrivedCount) == float64(step.Artifacts) {
			better(&name, &seconds, row.Tool, row.warm(wall))
		}
	}
	return name, seconds
}
