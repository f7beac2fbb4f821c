// Command scale computes how a mirror by several workers scales: the program's own cut of a plan, and a
// model of lines and registries around it. It moves nothing. What it writes stands in docs/jobs.md.
package main

import (
	"bytes"
	"fmt"
	"os"
)

func main() {
	text, err := report()
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
	_, _ = os.Stdout.Write(text)
}

// report is a table for a source that nobody exhausts, and one for a source that 20 workers do.
func report() ([]byte, error) {
	var out bytes.Buffer
	large, counts := world(10_000, 1), []int{1, 2, 4, 10, 25, 50, 100}
	wide := lines{Worker: 100 * mib, Source: 20_000 * mib, SourceTrip: 0.03, TargetTrip: 0.002, Jobs: 8}
	if err := table(&out, large, wide, counts); err != nil {
		return nil, err
	}
	narrow := wide
	narrow.Source = 2000 * mib
	out.WriteString("\n")
	err := table(&out, large, narrow, counts)
	return out.Bytes(), err
}
