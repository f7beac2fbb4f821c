package report

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is one line of metrics.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

// parseSample reads a line as exposition writes it.
func parseSample(line string) (s sample, ok bool) {
	name, rest, ok := strings.Cut(strings.TrimSpace(line), "{")
	s.name, s.labels = strings.TrimPrefix(name, metricPrefix), map[string]string{}
	for ok && !strings.HasPrefix(rest, "}") {
		var key string
		if key, rest, ok = strings.Cut(rest, "="); !ok {
			break
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return s, false
		}
		if s.labels[key], err = strconv.Unquote(quoted); err != nil {
			return s, false
		}
		rest = strings.TrimPrefix(rest[len(quoted):], ",")
	}
	value, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimPrefix(rest, "}")), 64)
	s.value = value
	return s, ok && err == nil
}

// pastOfMetrics takes the one run of each job that metrics tell of.
func pastOfMetrics(body string) []Past {
	jobs := map[string]*Past{}
	for line := range strings.Lines(body) {
		s, ok := parseSample(line)
		if !ok {
			continue
		}
		key := strings.Join([]string{s.labels["command"], s.labels["product"], s.labels["registry"]}, "\n")
		job := jobs[key]
		if job == nil {
			job = &Past{Command: s.labels["command"], Product: s.labels["product"], Registry: s.labels["registry"], Results: map[string]int{}}
			jobs[key] = job
		}
		job.measure(s)
	}
	var runs []Past
	for _, key := range slices.Sorted(maps.Keys(jobs)) {
		job := jobs[key]
		if job.Ended.IsZero() {
			continue
		}
		job.Began = job.Ended.Add(-job.Took)
		runs = append(runs, *job)
	}
	return runs
}

// measure notes what a sample says of the run.
func (p *Past) measure(s sample) {
	whole := int64(s.value)
	switch s.name {
	case "last_run_info":
		p.Version = s.labels["version"]
	case "last_run_timestamp_seconds":
		p.Ended = time.Unix(whole, 0).UTC()
	case "last_run_duration_seconds":
		p.Took = time.Duration(s.value * float64(time.Second))
	case "last_run_exit_code":
		code := int(s.value)
		p.ExitCode = &code
	case "last_success_timestamp_seconds":
		p.LastSuccess = time.Unix(whole, 0).UTC()
	case "last_run_artifacts":
		p.Results[s.labels["result"]] = int(s.value)
	case "last_run_moved_bytes":
		p.MovedBytes = &whole
	case "last_run_retries":
		if p.Retries == nil {
			p.Retries = new(int64)
		}
		*p.Retries += whole
	}
}
