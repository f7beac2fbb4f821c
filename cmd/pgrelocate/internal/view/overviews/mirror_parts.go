package overviews

import (
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
)

// How much of the past is shown.
const (
	mostRuns     = 10
	mostFailures = 20
)

func newMirrorVendor(d *discovery.Discovery) *MirrorVendor {
	if d == nil {
		return nil
	}
	made := &MirrorVendor{
		Source: d.From, Current: d.Current, Newest: d.Newest, UpdateAvailable: d.UpdateAvailable(),
		NewVersions: texts(d.NewVersions), Unknown: []MirrorUnknown{},
	}
	for _, r := range d.Releases {
		if r.Known || !r.AtSource {
			continue
		}
		found := MirrorUnknown{Release: r.Name, Preview: r.Preview, Mirrored: r.Mirrored != nil && *r.Mirrored, Versions: texts(r.Versions)}
		if r.Err != nil {
			found.Error = r.Err.Error()
		}
		made.Unknown = append(made.Unknown, found)
	}
	return made
}

// newMirrorSizes adds up what the lock has, what is retired too: its layers cannot be told from others.
func newMirrorSizes(l *lock.Lock) *MirrorSizes {
	if l == nil {
		return nil
	}
	sizes := &MirrorSizes{Layers: len(l.Blobs)}
	for _, a := range l.Artifacts {
		sizes.Artifacts++
		sizes.Bytes += a.Bytes
		if a.Bytes == 0 {
			sizes.Unsized++
		}
	}
	for _, b := range l.Blobs {
		sizes.Distinct += b.Size
		if len(b.Repositories) > 1 {
			sizes.SharedLayers++
		}
	}
	return sizes
}

func newMirrorRuns(past []report.Past) []MirrorRun {
	var runs []MirrorRun
	for _, p := range slices.Backward(past) {
		if len(runs) == mostRuns {
			break
		}
		run := MirrorRun{
			Command: p.Command, Version: p.Version, Began: p.Began.UTC(), ExitCode: p.ExitCode, DurationSeconds: p.Took.Seconds(),
			Results: p.Results, MovedBytes: p.MovedBytes, Error: p.Error,
		}
		if !p.LastSuccess.IsZero() {
			at := p.LastSuccess.UTC()
			run.LastSuccess = &at
		}
		for _, item := range p.Failed[:min(mostFailures, len(p.Failed))] {
			run.Failures = append(run.Failures, strings.TrimSuffix(item.Name+": "+item.Reason, ": "))
		}
		runs = append(runs, run)
	}
	return runs
}
