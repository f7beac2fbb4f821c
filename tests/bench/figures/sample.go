package figures

import (
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Sample is one copy by one tool.
type Sample struct {
	Cost
	Source Traffic `json:"source"`
	Target Traffic `json:"target"`
	// Arrived is how many artifacts the target holds with the source's digest.
	Arrived int `json:"arrived"`
}

// Cost is what commands took.
type Cost struct {
	Wall float64 `json:"wall"` // seconds
	CPU  float64 `json:"cpu"`  // seconds, user and system
	// Largest is the peak memory of the largest process, as the kernel has it, and Together that
	// of all that ran at once, sampled; both with pages of files. Own is the most that one
	// process had asked for, sampled: 0 for one that was gone before it was looked at. In MiB.
	Largest  float64 `json:"largest"`
	Together float64 `json:"together"`
	Own      float64 `json:"own"`
	// Failed counts commands that ended with an error, Hung those of them that had to be killed.
	Failed int `json:"failed"`
	Hung   int `json:"hung"`
	// Said is the end of what the first command that failed wrote.
	Said string `json:"said,omitempty"`
}

// Add puts the cost of one more command to it; the time that passed is not added.
func (c *Cost) Add(one Cost) {
	c.CPU += one.CPU
	c.Largest = max(c.Largest, one.Largest)
	c.Failed += one.Failed
	c.Hung += one.Hung
	if c.Said == "" {
		c.Said = one.Said
	}
}

// Traffic is what a tool has put on one wire.
type Traffic struct {
	Requests int                       `json:"requests"`
	ByKind   map[registrytest.Kind]int `json:"byKind"`
	// Challenges are requests answered with 401, and Ping requests among others: auth.
	Challenges int `json:"challenges"`
	// BlobBytes are the bytes of blobs in replies; Down and Up are all bytes above TCP, to
	// the client and to the registry.
	BlobBytes   int64 `json:"blobBytes"`
	Down        int64 `json:"down"`
	Up          int64 `json:"up"`
	Connections int64 `json:"connections"`
}

// Median is the middle of what f gives for each sample.
func Median(samples []Sample, f func(Sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, f(s))
	}
	slices.Sort(values)
	if len(values) == 0 {
		return 0
	}
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// Wall is how many seconds a sample took.
func Wall(s Sample) float64 { return s.Wall }

// CPU is how many seconds of processors it took.
func CPU(s Sample) float64 { return s.CPU }

// The other figures of a sample that are quoted.
func largest(s Sample) float64        { return s.Largest }
func together(s Sample) float64       { return s.Together }
func own(s Sample) float64            { return s.Own }
func sourceRequests(s Sample) float64 { return float64(s.Source.Requests) }
func targetRequests(s Sample) float64 { return float64(s.Target.Requests) }
func fetched(s Sample) float64        { return float64(s.Source.BlobBytes) }
func sent(s Sample) float64           { return float64(s.Target.Up) }
func arrivedCount(s Sample) float64   { return float64(s.Arrived) }
