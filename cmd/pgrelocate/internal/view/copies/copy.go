package copies

import (
	"fmt"
	"io"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Copy is the result of `pgrelocate copy`: the account of what was done.
type Copy struct {
	output.Header
	view.OfRun
	// Registry is where the artifacts went, HOST[/PATH] as it was given.
	Registry  string      `json:"registry"`
	Artifacts []copiedRow `json:"artifacts"`
	// The counts together are all artifacts.
	Copied  int `json:"copied"`
	Present int `json:"present"`
	Skipped int `json:"skipped"`
	Failed  int `json:"failed"`
	// Incomplete are those of them, failed ones aside, that lack something attached to them.
	Incomplete int `json:"incomplete"`
	// Attested are those beside which a note was put now that says where they came from.
	Attested int `json:"attested,omitempty"`
	// Drifted are the artifacts of which a side is other than the lock says, refused or allowed; absent
	// where there was no lock.
	Drifted *int `json:"drifted,omitempty"`
	// Interrupted says that Failed counts also what was not come to.
	Interrupted bool `json:"interrupted,omitempty"`
	// BytesFetched and BytesSent are bytes of blobs on the wire.
	BytesFetched int64 `json:"bytesFetched"`
	BytesSent    int64 `json:"bytesSent"`
	// The blobs' places in repositories, by how the blob came to be there.
	BlobsUploaded   int         `json:"blobsUploaded"`
	BlobsMounted    int         `json:"blobsMounted"`
	BlobsPresent    int         `json:"blobsPresent"`
	DurationSeconds float64     `json:"durationSeconds"`
	SourceTraffic   trafficView `json:"sourceTraffic"`
	TargetTraffic   trafficView `json:"targetTraffic"`
	// Beyond are images that the charts which were moved run, or can run, and that are not
	// selected.
	Beyond []string `json:"beyond"`
	// Newer is a release at the source that is newer than all that the catalogue knows.
	Newer string `json:"newer,omitempty"`
	// Shard says which part of a plan this was; absent where it was all.
	Shard *shardView `json:"shard,omitempty"`
	// planned are the bytes that were to be sent.
	planned int64
}

type shardView struct {
	// Shard is I/N, or "tags" for the run that only puts the tags.
	Shard string `json:"shard"`
	// OfArtifacts are how many the whole plan has.
	OfArtifacts int `json:"ofArtifacts"`
	// Tagged says that all of them are at the target now, under their tags.
	Tagged bool `json:"tagged"`
}

type copiedRow struct {
	view.Planned
	// Result is copied, repaired, present, skipped or failed; repaired ones count as copied.
	Result string `json:"result"`
	// Incomplete is why the artifact lacks something attached to it; empty where it has all.
	Incomplete string `json:"incomplete,omitempty"`
}

// trafficView is what went over the wire to one side, planning included.
type trafficView struct {
	Requests int64 `json:"requests"`
	// AuthRequests are those of Requests that were for tokens.
	AuthRequests int64 `json:"authRequests"`
	BytesRead    int64 `json:"bytesRead"`
	BytesWritten int64 `json:"bytesWritten"`
	Retries      int64 `json:"retries"`
}

func newTrafficView(c registry.Counts) trafficView {
	return trafficView{
		Requests: c.Requests, AuthRequests: c.AuthRequests,
		BytesRead: c.BytesRead, BytesWritten: c.BytesWritten, Retries: c.Retries,
	}
}

// NewCopy shows what a copy to a registry did; interrupted says that it was ended early.
func NewCopy(to ref.Folder, report *copying.Copied, interrupted bool) Copy {
	made := Copy{
		Header:          output.NewHeader("CopyReport"),
		Registry:        to.String(),
		Artifacts:       []copiedRow{},
		Copied:          report.Copied,
		Present:         report.Present,
		Skipped:         report.Skipped,
		Failed:          report.Failed,
		Incomplete:      report.Incomplete,
		BytesFetched:    report.BytesFetched,
		BytesSent:       report.BytesSent,
		planned:         report.Planned,
		BlobsUploaded:   report.BlobsUploaded,
		BlobsMounted:    report.BlobsMounted,
		BlobsPresent:    report.BlobsPresent,
		Interrupted:     interrupted,
		Attested:        report.Attested,
		DurationSeconds: report.Duration.Round(time.Millisecond).Seconds(),
		SourceTraffic:   newTrafficView(report.Source),
		TargetTraffic:   newTrafficView(report.Target),
		Beyond:          append([]string{}, report.Beyond...),
		Newer:           report.Newer,
	}
	if sharded := report.Sharded; sharded != nil {
		made.Shard = &shardView{Shard: sharded.String(), OfArtifacts: sharded.Artifacts, Tagged: sharded.Tagged}
	}
	for _, r := range report.Results {
		row := copiedRow{Planned: view.NewPlanned(r.Artifact), Result: Outcome(r)}
		row.SetError(r.Err)
		if r.Incomplete != nil {
			row.Incomplete = r.Incomplete.Error()
		}
		made.Artifacts = append(made.Artifacts, row)
	}
	if report.Locked {
		made.Drifted = new(int)
		for _, row := range made.Artifacts {
			if len(row.Drift) > 0 {
				*made.Drifted++
			}
		}
	}
	return made
}

// Outcome is what became of an artifact, in one word.
func Outcome(r transfer.Result) string {
	switch {
	case r.Err != nil:
		return "failed"
	case r.State == plan.StatePresent:
		return "present"
	case r.State == plan.StateSkip:
		return "skipped"
	case r.Repairs():
		return "repaired"
	default:
		return "copied"
	}
}

// WriteTable writes the account in figures.
func (v Copy) WriteTable(w io.Writer) error {
	for _, row := range v.Artifacts {
		if row.Result == "skipped" {
			if _, err := fmt.Fprintf(w, "skipped %s: it holds other content, %s\n", row.Target, row.TargetDigest); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, `%s%s: %s, %d present, %d skipped, %d %s
%s%s
%starget: %s
%s`,
		v.Shard.prefix(), output.Count(len(v.Artifacts), "artifact"), v.arrived(), v.Present, v.Skipped, v.Failed, v.failedWord(),
		view.SignedLine(len(v.Artifacts), func(i int) *view.Checked { return v.Artifacts[i].Checked }), v.moved(), v.sourceLine(), v.TargetTraffic, beyond(v.Beyond))
	return err
}

// arrived is "5 copied", and says apart how many of them were repaired.
func (v Copy) arrived() string {
	repaired := 0
	for _, row := range v.Artifacts {
		if row.Result == "repaired" {
			repaired++
		}
	}
	if repaired == 0 {
		return fmt.Sprintf("%d copied", v.Copied)
	}
	return fmt.Sprintf("%d copied, %d repaired", v.Copied-repaired, repaired)
}

// prefix says in the account which part it is of.
func (s *shardView) prefix() string {
	switch {
	case s == nil:
		return ""
	case s.Tagged:
		return fmt.Sprintf("shard %s, all %d tagged: ", s.Shard, s.OfArtifacts)
	default:
		return fmt.Sprintf("shard %s, not tagged yet: ", s.Shard)
	}
}

// sourceLine is empty where no registry was asked for content: the source was a bundle.
func (v Copy) sourceLine() string {
	if v.SourceTraffic == (trafficView{}) {
		return ""
	}
	return fmt.Sprintf("source: %s\n", v.SourceTraffic)
}

// moved is the account of bytes and blobs.
func (v Copy) moved() string {
	arrived := v.BlobsUploaded + v.BlobsMounted + v.BlobsPresent
	switch {
	case arrived == 0 && v.BytesSent > 0:
		return fmt.Sprintf("nothing was moved: %s were sent, and no blob was taken", output.Bytes(v.BytesSent))
	case arrived == 0 && v.Failed+v.Incomplete > 0:
		return "nothing was moved"
	case arrived == 0:
		return "nothing had to move"
	}
	took := time.Duration(v.DurationSeconds * float64(time.Second))
	return fmt.Sprintf("moved %s in %s%s: %s uploaded, %d mounted, %d present",
		output.Bytes(v.BytesSent), output.Duration(took), rate(v.BytesSent, took),
		output.Count(v.BlobsUploaded, "blob"), v.BlobsMounted, v.BlobsPresent) + v.again()
}

// again says what was sent more than once, so that what was announced and what was moved agree.
func (v Copy) again() string {
	if v.BytesSent <= v.planned {
		return ""
	}
	return fmt.Sprintf("\n%s of it again: mounts were refused, or transfers began anew", output.Bytes(v.BytesSent-v.planned))
}

// failedWord is what the artifacts are that Failed counts.
func (v Copy) failedWord() string {
	if v.Interrupted {
		return "not copied"
	}
	return "failed"
}

// rate is ", 168 MiB/s"; empty where the time is too short to divide by.
func rate(bytes int64, took time.Duration) string {
	if bytes == 0 || took < 100*time.Millisecond {
		return ""
	}
	return fmt.Sprintf(" (%s/s)", output.Bytes(int64(float64(bytes)/took.Seconds())))
}

// String is the traffic for people: "82 requests, 1.6 GiB read, 1 retry". It names the
// direction in which more has moved, and none where nothing has.
func (t trafficView) String() string {
	text := output.Count(int(t.Requests), "request")
	switch {
	case t.BytesRead > t.BytesWritten:
		text += ", " + output.Bytes(t.BytesRead) + " read"
	case t.BytesWritten > 0:
		text += ", " + output.Bytes(t.BytesWritten) + " written"
	}
	if t.Retries == 1 {
		text += ", 1 retry"
	} else if t.Retries > 1 {
		text += fmt.Sprintf(", %d retries", t.Retries)
	}
	return text
}

// Of implements view.Run.
func (v Copy) Of(run view.OfRun) output.View {
	v.OfRun = run
	return v
}

func (t trafficView) counts() *registry.Counts {
	return &registry.Counts{
		Requests: t.Requests, AuthRequests: t.AuthRequests,
		BytesRead: t.BytesRead, BytesWritten: t.BytesWritten, Retries: t.Retries,
	}
}
