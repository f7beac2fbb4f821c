package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// Past is a run that is over, or was killed, as its events or its metrics tell of it. What they do not
// tell is nil or zero.
type Past struct {
	Command, Version, Product, Registry string
	// Began and Ended are when it did.
	Began, Ended time.Time
	// ExitCode is nil where the run never said that it was over.
	ExitCode *int
	Took     time.Duration
	// Results are how many artifacts came to each result.
	Results    map[string]int
	MovedBytes *int64
	Retries    *int64
	// Failed are the items that failed. Metrics only count them.
	Failed []Item
	// Error is what ended the run.
	Error string
	// LastSuccess is when a run last did all that was asked.
	LastSuccess time.Time
}

// ErrNoReport: a file holds neither events nor metrics.
var ErrNoReport = errors.New("it holds neither events nor metrics of this program")

// ReadPast reads the runs that a file of events, or one of metrics, tells of, the newest last.
func ReadPast(path string) ([]Past, error) {
	body, err := files.ReadRegular(path, longestReport)
	if err != nil {
		return nil, err
	}
	var runs []Past
	if isMetrics(body) {
		runs = pastOfMetrics(string(body))
	} else {
		runs = pastOfEvents(body)
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("%s: %w", path, ErrNoReport)
	}
	return runs, nil
}

// pastEvent is any event, with the fields that tell of a run as a whole.
type pastEvent struct {
	Schema     int            `json:"schemaVersion"`
	Event      string         `json:"event"`
	Time       time.Time      `json:"time"`
	Run        time.Time      `json:"run"`
	Command    string         `json:"command"`
	Version    string         `json:"version"`
	Product    string         `json:"product"`
	Registry   string         `json:"registry"`
	Kind       string         `json:"kind"`
	Name       string         `json:"name"`
	Result     string         `json:"result"`
	Failed     bool           `json:"failed"`
	Reason     string         `json:"reason"`
	ExitCode   int            `json:"exitCode"`
	Duration   float64        `json:"durationSeconds"`
	Error      string         `json:"error"`
	Results    map[string]int `json:"results"`
	MovedBytes *int64         `json:"movedBytes"`
	Retries    *int64         `json:"retries"`
}

// pastOfEvents takes the runs from events. A line that is none is passed over: the last one of a run
// that was killed may be half a line.
func pastOfEvents(body []byte) []Past {
	var runs []Past
	at := map[time.Time]int{}
	for line := range bytes.Lines(body) {
		var e pastEvent
		if json.Unmarshal(line, &e) != nil || e.Schema != EventSchema {
			continue
		}
		i, known := at[e.Run]
		if e.Event == "started" {
			i, known = len(runs), true
			at[e.Run] = i
			runs = append(runs, Past{Command: e.Command, Version: e.Version, Product: e.Product, Registry: e.Registry, Began: e.Run})
		}
		if known {
			runs[i].take(e)
		}
	}
	var before time.Time
	for i := range runs {
		if code := runs[i].ExitCode; code != nil && *code == 0 {
			before = runs[i].Ended
		}
		runs[i].LastSuccess = before
	}
	return runs
}

// take notes what an event says of the run.
func (p *Past) take(e pastEvent) {
	switch e.Event {
	case "item":
		if e.Failed {
			p.Failed = append(p.Failed, Item{Kind: e.Kind, Name: e.Name, Result: e.Result, Bad: true, Reason: e.Reason})
		}
	case "finished":
		code := e.ExitCode
		p.Ended, p.ExitCode, p.Took = e.Time, &code, time.Duration(e.Duration*float64(time.Second))
		p.Results, p.MovedBytes, p.Retries, p.Error = e.Results, e.MovedBytes, e.Retries, e.Error
	}
}
