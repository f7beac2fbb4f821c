package report

import (
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// EventSchema is the version of every event. It grows when a field changes its meaning or goes
// away; new fields and new events do not change it.
const EventSchema = 1

// Envelope is how every event begins.
type Envelope struct {
	SchemaVersion int `json:"schemaVersion"`
	// Event names the kind of the event.
	Event string `json:"event"`
	// Time is when it happened, and Run when the run began that it belongs to, which tells runs
	// apart in a file of several.
	Time time.Time `json:"time"`
	Run  time.Time `json:"run"`
	// Seq counts the events of a run, from 1.
	Seq int `json:"seq"`
}

// Started is the first event of a run.
type Started struct {
	Envelope
	// Command is what is run, "copy".
	Command string `json:"command"`
	// Version is that of the program.
	Version  string `json:"version"`
	Product  string `json:"product"`
	Registry string `json:"registry,omitempty"`
}

// Planned says what has to be moved, once that is known.
type Planned struct {
	Envelope
	Artifacts   int   `json:"artifacts"`
	BytesToMove int64 `json:"bytesToMove"`
}

// Progress says every ten seconds, and once at the end, how far the moving has come.
type Progress struct {
	Envelope
	BytesTotal     int64 `json:"bytesTotal"`
	BytesDone      int64 `json:"bytesDone"`
	ArtifactsTotal int64 `json:"artifactsTotal"`
	ArtifactsDone  int64 `json:"artifactsDone"`
	// ArtifactsFailed are those of ArtifactsDone that failed.
	ArtifactsFailed int64 `json:"artifactsFailed"`
}

// ItemDone says what became of an artifact or, where a cluster is verified, of what is checked.
type ItemDone struct {
	Envelope
	// Kind is artifact or, in a cluster, release, workload, image, version or namespace.
	Kind string `json:"kind"`
	// Name is the reference at the target, or the name in the cluster.
	Name   string `json:"name"`
	Source string `json:"source,omitempty"`
	Digest string `json:"digest,omitempty"`
	// Result is what JSON results call it, copied or present for example.
	Result string `json:"result"`
	Failed bool   `json:"failed"`
	// Reason says why.
	Reason string `json:"reason,omitempty"`
}

// Step is a step of an installation.
type Step struct {
	Envelope
	Index int    `json:"index"`
	Total int    `json:"total"`
	Name  string `json:"name"`
	// Phase is started, done, skipped or failed.
	Phase  string `json:"phase"`
	Detail string `json:"detail,omitempty"`
}

// Outage is a registry that fails while its requests are tried again.
type Outage struct {
	Envelope
	// Side is source or target.
	Side string `json:"side"`
	Host string `json:"host"`
	// State is lasts, over or given up.
	State string `json:"state"`
	Cause string `json:"cause,omitempty"`
}

// Message is what the run says to people besides.
type Message struct {
	Envelope
	// Level is note or warning.
	Level string `json:"level"`
	Text  string `json:"text"`
}

// Finished is the last event of a run. Where it is missing the run was killed, or goes on.
type Finished struct {
	Envelope
	ExitCode        int     `json:"exitCode"`
	DurationSeconds float64 `json:"durationSeconds"`
	// Error says what went wrong, Hint what can be done about it.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
	// Results are how many artifacts, or things that were checked, came to each result.
	Results map[string]int `json:"results,omitempty"`
	// MovedBytes are the bytes of blobs that were moved; absent where the run did not come to that.
	MovedBytes *int64 `json:"movedBytes,omitempty"`
	Retries    int64  `json:"retries"`
}

func finished(e Envelope, o *outcome) Finished {
	f := Finished{
		Envelope: e, ExitCode: o.code, DurationSeconds: o.took().Seconds(), Error: o.text, Hint: o.hint,
		Results: map[string]int{}, MovedBytes: o.MovedBytes, Retries: o.retries(),
	}
	for _, result := range o.results() {
		f.Results[result] = o.count(result)
	}
	return f
}

// outageStates are the words for what becomes of an outage.
var outageStates = map[registry.OutageState]string{
	registry.OutageLasts: "lasts", registry.OutageOver: "over", registry.OutageGivenUp: "given up",
}
