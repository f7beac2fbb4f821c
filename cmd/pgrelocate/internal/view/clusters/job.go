package clusters

import (
	"fmt"
	"io"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/internal/install/jobs"
)

// Job is the result of `pgrelocate job watch`.
type Job struct {
	output.Header
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// State is running, succeeded or failed; Reason says why it has failed.
	State  string     `json:"state"`
	Reason string     `json:"reason,omitempty"`
	Shards []shardRow `json:"shards"`
	// BytesFetched and BytesSent are bytes of blobs on the wire, of all pods that have left word.
	BytesFetched int64 `json:"bytesFetched"`
	BytesSent    int64 `json:"bytesSent"`
	// Tagged says that a shard has put the tags.
	Tagged bool `json:"tagged"`
}

type shardRow struct {
	Index int `json:"index"`
	// State is waiting, running, succeeded or failed.
	State string `json:"state"`
	Pod   string `json:"pod,omitempty"`
	// Tries is how many pods there have been.
	Tries int `json:"tries"`
	// Artifacts are those that the shard is done with, BytesFetched what all its pods have read from the
	// source, Seconds how long the last of them took.
	Artifacts    int64   `json:"artifacts"`
	BytesFetched int64   `json:"bytesFetched"`
	BytesSent    int64   `json:"bytesSent"`
	Seconds      float64 `json:"seconds"`
	ExitCode     *int    `json:"exitCode,omitempty"`
	Error        string  `json:"error,omitempty"`
}

// NewJob shows how a job stands.
func NewJob(seen *jobs.Watched) Job {
	v := Job{Header: output.NewHeader("Job"), Name: seen.Name, Namespace: seen.Namespace, State: "running", Reason: seen.Reason, Shards: []shardRow{}}
	switch {
	case seen.Failed:
		v.State = "failed"
	case seen.Ended:
		v.State = "succeeded"
	}
	for _, s := range seen.Shards {
		row := shardRow{Index: s.Index, State: string(s.State), Pod: s.Pod, Tries: s.Pods, Artifacts: s.ArtifactsDone, Error: s.Reason(),
			BytesFetched: s.FetchedBefore, BytesSent: s.SentBefore}
		if status := s.Status; status != nil {
			row.ExitCode, row.Seconds = &status.ExitCode, status.DurationSeconds
			if status.FetchedBytes != nil && status.MovedBytes != nil {
				row.BytesFetched += *status.FetchedBytes
				row.BytesSent += *status.MovedBytes
			}
			v.Tagged = v.Tagged || status.Tagged
		}
		v.BytesFetched += row.BytesFetched
		v.BytesSent += row.BytesSent
		v.Shards = append(v.Shards, row)
	}
	return v
}

// Account is what became of the shards.
func (v Job) Account() report.Account {
	account := report.Account{Results: []string{"succeeded", "failed"}, MovedBytes: &v.BytesSent, FetchedBytes: &v.BytesFetched}
	for _, s := range v.Shards {
		account.Items = append(account.Items, report.Item{
			Kind: "shard", Name: fmt.Sprint(s.Index), Result: s.State, Bad: s.State == string(jobs.Failed), Reason: s.Error,
		})
	}
	return account
}

// WriteTable writes a line for each shard, and one for all.
func (v Job) WriteTable(w io.Writer) error {
	grid := output.NewGrid("SHARD", "STATE", "TRIES", "ARTIFACTS", "FETCHED", "SENT", "SECONDS")
	for _, s := range v.Shards {
		grid.Row(fmt.Sprint(s.Index), s.State, fmt.Sprint(s.Tries), fmt.Sprint(s.Artifacts),
			output.Bytes(s.BytesFetched), output.Bytes(s.BytesSent), fmt.Sprintf("%.1f", s.Seconds))
	}
	if _, err := grid.WriteTo(w); err != nil {
		return err
	}
	tagged := "no tags yet"
	if v.Tagged {
		tagged = "all is tagged"
	}
	_, err := fmt.Fprintf(w, "\njob %s %s: %s fetched, %s sent, %s\n", v.Name, v.State, output.Bytes(v.BytesFetched), output.Bytes(v.BytesSent), tagged)
	return err
}
