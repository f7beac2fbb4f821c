package report

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

const (
	metricPrefix = "pgrelocate_"
	lastSuccess  = metricPrefix + "last_success_timestamp_seconds"
)

// isMetrics tells whether a file holds metrics of ours.
func isMetrics(body []byte) bool { return bytes.HasPrefix(body, []byte("# HELP "+metricPrefix)) }

// writeMetrics replaces the metrics of the run before. They are put there as a whole, for who
// collects them reads at any time.
func writeMetrics(all []*outcome) error {
	return write("metrics", all[0].Metrics, isMetrics, func() ([]byte, error) {
		before, err := previous(all[0].Metrics, isMetrics)
		var e exposition
		for _, o := range all {
			e.merge(metrics(o, before))
		}
		return e.bytes(), err
	})
}

// exposition collects metrics in Prometheus' text format, which wants all lines of one together.
type exposition struct {
	families []family
	labels   string // those that every metric has
}

// family is one metric: what it is, and its values.
type family struct{ about, values string }

// merge adds the metrics of another run.
func (e *exposition) merge(other *exposition) {
	for _, f := range other.families {
		at := slices.IndexFunc(e.families, func(known family) bool { return known.about == f.about })
		if at < 0 {
			e.families = append(e.families, f)
		} else {
			e.families[at].values += f.values
		}
	}
}

func (e *exposition) bytes() []byte {
	var text strings.Builder
	for _, f := range e.families {
		text.WriteString(f.about + f.values)
	}
	return []byte(text.String())
}

// metrics are the run's, with the last success of those before where this is none.
func metrics(o *outcome, before []byte) *exposition {
	e := &exposition{labels: labels("command", o.Command, "product", o.Product, "registry", o.Registry)}
	e.about("last_run_info", "Which program the last run was of.")
	e.value("last_run_info", 1, "version", o.Version)
	e.one("last_run_timestamp_seconds", "When the last run ended, as a Unix time.", unix(o.ended))
	e.one("last_run_duration_seconds", "How long the last run took.", o.took().Seconds())
	e.one("last_run_exit_code", "What the last run ended with: see docs/exit-codes.md.", float64(o.code))
	e.one("last_run_success", "Whether the last run did all that was asked, 1 or 0.", yes(o.code == 0))
	succeeded, ever := e.successBefore(before)
	if o.code == 0 {
		succeeded, ever = unix(o.ended), true
	}
	if ever {
		e.one("last_success_timestamp_seconds", "When a run last did all that was asked, as a Unix time.", succeeded)
	}
	e.counts(o)
	e.traffic(o)
	e.credentials(o)
	return e
}

// counts are what the run did, where it came to that.
func (e *exposition) counts(o *outcome) {
	if len(o.results()) > 0 {
		e.about("last_run_artifacts", "Artifacts of the last run, or what it checked in a cluster, by what became of them.")
		for _, result := range o.results() {
			e.value("last_run_artifacts", float64(o.count(result)), "result", result)
		}
		e.one("last_run_problems", "Artifacts of the last run, or what it checked, that something is wrong with.", float64(len(o.bad())))
	}
	if o.MovedBytes != nil {
		e.one("last_run_moved_bytes", "Bytes of blobs that the last run moved.", float64(*o.MovedBytes))
	}
	if o.Drift != nil {
		e.one("last_run_drift", "Artifacts of the last run whose source or target is not what the lock says.", float64(*o.Drift))
	}
}

// traffic is what went over the wire.
func (e *exposition) traffic(o *outcome) {
	sides := []struct {
		name   string
		counts *registry.Counts
	}{{"source", o.Source}, {"target", o.Target}}
	for _, metric := range []struct {
		name, help string
		show       func(registry.Counts, string)
	}{
		{"last_run_requests", "HTTP requests of the last run.", func(c registry.Counts, side string) {
			e.value("last_run_requests", float64(c.Requests), "side", side)
		}},
		{"last_run_retries", "Requests of the last run that were tried again, and reads that were continued.", func(c registry.Counts, side string) {
			e.value("last_run_retries", float64(c.Retries), "side", side)
		}},
		{"last_run_transferred_bytes", "Bytes of bodies on the wire in the last run.", func(c registry.Counts, side string) {
			e.value("last_run_transferred_bytes", float64(c.BytesRead), "side", side, "direction", "read")
			e.value("last_run_transferred_bytes", float64(c.BytesWritten), "side", side, "direction", "written")
		}},
	} {
		told := false
		for _, side := range sides {
			if side.counts == nil {
				continue
			}
			if !told {
				e.about(metric.name, metric.help)
				told = true
			}
			metric.show(*side.counts, side.name)
		}
	}
}

// credentials are when logins seem to expire. Of most nobody can tell.
func (e *exposition) credentials(o *outcome) {
	if len(o.expiries) == 0 {
		return
	}
	e.about("credential_expiry_timestamp_seconds", "When a login seems to expire, as a Unix time. Absent where a login does not tell.")
	for _, x := range o.expiries {
		e.value("credential_expiry_timestamp_seconds", unix(x.at), "side", string(x.side), "host", x.host)
	}
	e.about("credential_expiry_days", "How many days there were until then when the last run ended.")
	for _, x := range o.expiries {
		e.value("credential_expiry_days", x.at.Sub(o.ended).Round(time.Minute).Hours()/24, "side", string(x.side), "host", x.host)
	}
}

func (e *exposition) about(name, help string) {
	e.families = append(e.families, family{about: fmt.Sprintf("# HELP %s%s %s\n# TYPE %[1]s%[2]s gauge\n", metricPrefix, name, help)})
}

func (e *exposition) value(name string, value float64, more ...string) {
	e.families[len(e.families)-1].values += fmt.Sprintf("%s %s\n", e.series(name, more...), strconv.FormatFloat(value, 'f', -1, 64))
}

func (e *exposition) one(name, help string, value float64) {
	e.about(name, help)
	e.value(name, value)
}

func (e *exposition) series(name string, more ...string) string {
	all := e.labels
	if len(more) > 0 {
		all += "," + labels(more...)
	}
	return metricPrefix + name + "{" + all + "}"
}

// successBefore is the last success that the metrics before tell of, where they are of the same job.
func (e *exposition) successBefore(before []byte) (at float64, known bool) {
	series := e.series(strings.TrimPrefix(lastSuccess, metricPrefix)) + " "
	for line := range strings.Lines(string(before)) {
		if text, ok := strings.CutPrefix(line, series); ok {
			at, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			return at, err == nil
		}
	}
	return 0, false
}

var escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// labels writes name, value pairs.
func labels(pairs ...string) string {
	var all []string
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, pairs[i]+`="`+escapeLabel.Replace(pairs[i+1])+`"`)
	}
	return strings.Join(all, ",")
}

func unix(t time.Time) float64 { return float64(t.Unix()) }

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
