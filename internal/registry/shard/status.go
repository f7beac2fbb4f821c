package shard

import "encoding/json"

// StatusSchema is the version of a Status. It grows when a field changes its meaning or goes away.
const StatusSchema = 1

// Status is how a run ended, in one short line, for whoever watches the machine that it ran on: it is
// what Kubernetes shows of a container.
type Status struct {
	Schema   int    `json:"status"`
	Command  string `json:"command"`
	ExitCode int    `json:"exitCode"`
	// Shard is which part of a plan the run carried out, and Tagged that it has put the tags of all;
	// absent where it was no part.
	Shard  string `json:"shard,omitempty"`
	Tagged bool   `json:"tagged,omitempty"`
	// Results are how many artifacts came to each result.
	Results map[string]int `json:"results,omitempty"`
	// MovedBytes are the bytes of blobs that were sent, FetchedBytes those that were read from the source.
	MovedBytes      *int64  `json:"movedBytes,omitempty"`
	FetchedBytes    *int64  `json:"fetchedBytes,omitempty"`
	DurationSeconds float64 `json:"durationSeconds"`
	// Error says what went wrong, cut where it is long, Hint what can be done about it.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// ParseStatus reads what a run has left; false where it is something else.
func ParseStatus(text string) (Status, bool) {
	var s Status
	err := json.Unmarshal([]byte(text), &s)
	return s, err == nil && s.Schema == StatusSchema
}
