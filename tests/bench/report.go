package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is all that was measured.
type report struct {
	Machine  machine           `json:"machine"`
	When     time.Time         `json:"when"`
	Setting  setting           `json:"setting"`
	Versions map[string]string `json:"versions"`
	Missing  []string          `json:"missing,omitempty"`
	Family   *familyFigures    `json:"family,omitempty"`
	// Drain is how many seconds the source and its link take alone, a run each.
	Drain  []float64    `json:"drain,omitempty"`
	Speed  []*speedRow  `json:"speed,omitempty"`
	TLS    []*speedRow  `json:"tls,omitempty"`
	Memory []memoryRow  `json:"memory,omitempty"`
	Faults []faultRow   `json:"faults,omitempty"`
	Storm  []stormRow   `json:"storm,omitempty"`
	Bundle []*bundleRow `json:"bundle,omitempty"`
	Start  []*startRow  `json:"start,omitempty"`
	// Growth has a step for each number of releases.
	Growth []*growthStep `json:"growth,omitempty"`
	Bars   []bar         `json:"bars"`
	// Targets are ways to copy the family to several registries.
	Targets []*targetsRow `json:"targets,omitempty"`

	opts *options
}

type machine struct {
	OS        string `json:"os"`
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Go        string `json:"go"`
}

// setting is what the flags said, in words that a reader of the JSON understands.
type setting struct {
	Registry string  `json:"registry"`
	Source   string  `json:"source"`
	Target   string  `json:"target"`
	Scale    float64 `json:"scale"`
	Runs     int     `json:"runs"`
}

type familyFigures struct {
	Artifacts int   `json:"artifacts"`
	Blobs     int   `json:"blobs"`
	Places    int   `json:"places"`
	Unique    int64 `json:"unique"`
	Manifests int64 `json:"manifests"`
	// ColdLimit and WarmLimit are the wire's, in seconds: see wireLimit.
	ColdLimit float64 `json:"coldLimit"`
	WarmLimit float64 `json:"warmLimit"`
}

func newReport(opts *options) *report {
	return &report{
		Machine: machine{OS: osName(), Processor: processor(), Cores: runtime.NumCPU(), Go: runtime.Version()},
		When:    time.Now().UTC().Truncate(time.Second),
		Setting: setting{
			Registry: opts.registry, Scale: opts.scale, Runs: opts.runs,
			Source: fmt.Sprintf("%v round trip, %d MiB/s in all, %d MiB/s a connection",
				opts.source.RTT, opts.source.Bandwidth/mib, opts.source.PerConnection/mib),
			Target: fmt.Sprintf("%v round trip", opts.target.RTT),
		},
		Versions: map[string]string{}, opts: opts,
	}
}

func (r *report) describe(f *family) {
	r.Family = &familyFigures{
		Artifacts: len(f.spec.artifacts), Blobs: len(f.Blobs), Places: f.Places, Unique: f.Unique(), Manifests: f.Manifests,
		ColdLimit: wireLimit(f, r.opts).Seconds(), WarmLimit: warmLimit(r.opts).Seconds(),
	}
}

// save writes the report as JSON where a file is named.
func (r *report) save(file string) error {
	if file == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

func osName() string {
	data, _ := os.ReadFile("/etc/os-release")
	if name := field(string(data), "PRETTY_NAME="); name != "" {
		return strings.Trim(name, `"`)
	}
	return runtime.GOOS
}

func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	return strings.Trim(field(string(data), "model name"), "\t: ")
}

// field is the rest of the first line that begins with a prefix.
func field(text, prefix string) string {
	lines := strings.Split(text, "\n")
	i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, prefix) })
	if i < 0 {
		return ""
	}
	return strings.TrimPrefix(lines[i], prefix)
}
