package copies

import (
	"fmt"
	"io"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/saving"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
)

// Saved is the result of `pgrelocate save`.
type Saved struct {
	output.Header
	view.OfRun
	// Files are the bundle, or its volumes in order, with their sums.
	Files []savedFile `json:"files"`
	// Checksum is the file for sha256sum -c.
	Checksum string `json:"checksum"`
	// Size is that of all files together, UniqueBytes that of the distinct blobs and
	// manifests in them.
	Size        int64           `json:"size"`
	UniqueBytes int64           `json:"uniqueBytes"`
	Artifacts   []view.Artifact `json:"artifacts"`
	Blobs       int             `json:"blobs"`
	// OmittedBlobs are left out because the other side has them.
	OmittedBlobs int   `json:"omittedBlobs"`
	OmittedBytes int64 `json:"omittedBytes"`
	// BytesFetched were fetched now, BytesResumed by an interrupted run.
	BytesFetched  int64       `json:"bytesFetched"`
	BytesResumed  int64       `json:"bytesResumed"`
	SourceTraffic trafficView `json:"sourceTraffic"`
	// saved are the artifacts, for reports.
	saved []report.Item
}

type savedFile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// NewSaved shows what was written.
func NewSaved(w *saving.Saved) Saved {
	made := Saved{
		Header:   output.NewHeader("SavedBundle"),
		Files:    []savedFile{},
		Checksum: w.Checksum, Size: w.Size, UniqueBytes: w.Unique,
		Artifacts: []view.Artifact{}, Blobs: len(w.Lock.Blobs),
		BytesFetched: w.Fetched, BytesResumed: w.Resumed,
		SourceTraffic: newTrafficView(w.Source),
	}
	for _, a := range slices.SortedStableFunc(slices.Values(w.Lock.Artifacts), func(a, b lock.Artifact) int { return relocate.Order(a.Artifact, b.Artifact) }) {
		made.Artifacts = append(made.Artifacts, view.NewArtifact(a.Artifact))
		made.saved = append(made.saved, report.Item{
			Kind: view.ArtifactKind, Name: a.Source.String(), Source: a.Source.String(), Digest: a.Digest.String(), Result: "saved",
		})
	}
	for i, name := range w.Files {
		made.Files = append(made.Files, savedFile{name, w.SHA256[i]})
	}
	for _, b := range w.Lock.Omitted() {
		made.Blobs--
		made.OmittedBlobs++
		made.OmittedBytes += b.Size
	}
	return made
}

// WriteTable writes the files with their sums, as sha256sum does, and the account.
func (v Saved) WriteTable(w io.Writer) error {
	for _, f := range v.Files {
		if _, err := fmt.Fprintf(w, "%s  %s\n", f.SHA256, f.Name); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("%s in %s, %s", output.Count(len(v.Artifacts), "artifact"), output.Count(v.Blobs, "blob"), output.Bytes(v.Size))
	if v.OmittedBlobs > 0 {
		text += fmt.Sprintf("; left out: %s, %s", output.Count(v.OmittedBlobs, "blob"), output.Bytes(v.OmittedBytes))
	}
	if v.BytesResumed > 0 {
		text += fmt.Sprintf("; of an interrupted run: %s", output.Bytes(v.BytesResumed))
	}
	_, err := fmt.Fprintf(w, "%s\nsource: %s\n", text, v.SourceTraffic)
	return err
}

// Of implements view.Run.
func (v Saved) Of(run view.OfRun) output.View {
	v.OfRun = run
	return v
}
