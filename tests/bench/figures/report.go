package figures

import (
	"encoding/json"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Report is all that was measured.
type Report struct {
	Machine  Machine           `json:"machine"`
	When     time.Time         `json:"when"`
	Setting  Setting           `json:"setting"`
	Versions map[string]string `json:"versions"`
	Missing  []string          `json:"missing,omitempty"`
	Family   *Family           `json:"family,omitempty"`
	// Drain is how many seconds the source and its link take alone, a run each.
	Drain []float64 `json:"drain,omitempty"`
	// Loop is what reading, computing SHA-256 and writing take alone, a run each.
	Loop   []Cost       `json:"loop,omitempty"`
	Speed  []*SpeedRow  `json:"speed,omitempty"`
	TLS    []*SpeedRow  `json:"tls,omitempty"`
	Memory []MemoryRow  `json:"memory,omitempty"`
	Faults []FaultRow   `json:"faults,omitempty"`
	Storm  []StormRow   `json:"storm,omitempty"`
	Bundle []*BundleRow `json:"bundle,omitempty"`
	Start  []*StartRow  `json:"start,omitempty"`
	// Growth has a step for each number of releases.
	Growth []*GrowthStep `json:"growth,omitempty"`
	Bars   []Bar         `json:"bars"`
	// Targets are ways to copy the family to several registries.
	Targets []*TargetsRow `json:"targets,omitempty"`

	Asked Asked `json:"-"`
}

// Machine is what everything ran on.
type Machine struct {
	OS        string `json:"os"`
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Go        string `json:"go"`
}

// Setting is what the flags said, in words that a reader of the JSON understands.
type Setting struct {
	Registry string  `json:"registry"`
	Source   string  `json:"source"`
	Target   string  `json:"target"`
	Scale    float64 `json:"scale"`
	Runs     int     `json:"runs"`
}

// Asked is more of what the flags said, for the words beside the figures.
type Asked struct {
	// Flags are those that change what is measured, as they were given.
	Flags                  string
	LargeLayer, FaultLayer int64
	FaultTimeout           time.Duration
	TargetRTT              time.Duration
}

// Family is what is copied in most parts.
type Family struct {
	Artifacts int   `json:"artifacts"`
	Blobs     int   `json:"blobs"`
	Places    int   `json:"places"`
	Unique    int64 `json:"unique"`
	Manifests int64 `json:"manifests"`
	// Repositories is how many its artifacts lie in.
	Repositories int `json:"-"`
	// ColdLimit and WarmLimit are the wire's, in seconds.
	ColdLimit float64 `json:"coldLimit"`
	WarmLimit float64 `json:"warmLimit"`
}

// New is a report of this machine, now, without figures.
func New(setting Setting, asked Asked) *Report {
	return &Report{
		Machine: Machine{OS: osName(), Processor: processor(), Cores: runtime.NumCPU(), Go: runtime.Version()},
		When:    time.Now().UTC().Truncate(time.Second), Setting: setting, Asked: asked, Versions: map[string]string{},
	}
}

// Save writes the report as JSON where a file is named.
func (r *Report) Save(file string) error {
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
