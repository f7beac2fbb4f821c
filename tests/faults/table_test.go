package faults_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
)

// row is one fault and what the copy of one image with one layer has to make of it.
type row struct {
	name string
	// source and target are the faults before either side.
	source, target []registrytest.Middleware
	// extraRead and extraSent are how many bytes may move beyond the ideal.
	extraRead, extraSent int64
	// stall shortens the watchdog's patience.
	stall time.Duration
	// atLeast is what the pauses that were asked for come to.
	atLeast time.Duration
}

type chain = []registrytest.Middleware

const (
	cutAt = 15 * mib
	large = mib // bodies from there on are the layer
	// underWay is what a reset can throw away that was sent, but not read yet.
	underWay = 8 * mib
	// once is what the first upload of a run that breaks needs again: nothing was kept then.
	once = layerSize
)

// table makes the rows anew: faults count, and are good for one server.
func table() []row {
	return []row{
		{name: "no fault"},

		{name: "source closes once", source: chain{cutDownload(cutAt, 1, faults.Close)}},
		{name: "source resets once", extraRead: underWay, source: chain{cutDownload(cutAt, 1, faults.Reset)}},
		{name: "source closes 6 times", source: chain{cutDownload(3*mib, 6, faults.Close)}},
		{name: "source closes 20 times", source: chain{cutDownload(mib, 20, faults.Close)}},
		{name: "source stalls", source: chain{cutDownload(cutAt, 1, faults.Stall)}, stall: 3 * time.Second},
		{name: "source stalls 3 times", source: chain{cutDownload(3*mib, 3, faults.Stall)}, stall: 3 * time.Second},
		{name: "source does not answer", source: chain{
			faults.Silence(faults.On(registrytest.GetBlob), 1),
			faults.Silence(faults.On(registrytest.GetManifest), 1),
		}, stall: 3 * time.Second},
		{name: "source closes and serves no ranges", extraRead: cutAt, source: chain{
			cutDownload(cutAt, 1, faults.Close), faults.IgnoreRange(),
		}},
		{name: "source closes and misplaces the rest", extraRead: layerSize, source: chain{
			cutDownload(cutAt, 1, faults.Close), faults.WrongContentRange(-mib, 1),
		}},
		{name: "source ends early", source: chain{faults.EndEarly(cutAt, false, 1)}},
		{name: "source ends early and calls it all", extraRead: cutAt, source: chain{faults.EndEarly(cutAt, true, 1)}},
		{name: "source 503 twice on a blob", source: chain{
			refuse(faults.On(registrytest.GetBlob), http.StatusServiceUnavailable, 2),
		}},
		{name: "source 429 Retry-After, twice, on a manifest", atLeast: 2 * time.Second, source: chain{
			faults.Busy(faults.On(registrytest.GetManifest), time.Second, 2),
		}},
		{name: "source 403 on referrers", source: chain{
			refuse(faults.On(registrytest.GetReferrers), http.StatusForbidden, faults.Always),
		}},
		{name: "source 429 with a date on a blob", atLeast: time.Second, source: chain{
			faults.Answer{
				On: faults.On(registrytest.GetBlob), Times: 1, Status: http.StatusTooManyRequests,
				Header: faults.RetryAfterDate(3 * time.Second),
			}.Fault(),
		}},

		{name: "target closes the upload", extraRead: once, extraSent: cutAt, target: chain{cutUpload(cutAt, faults.Close)}},
		{name: "target resets the upload", extraRead: once, extraSent: cutAt, target: chain{cutUpload(cutAt, faults.Reset)}},
		{name: "target stops taking the upload", extraRead: once, extraSent: cutAt, stall: 3 * time.Second, target: chain{cutUpload(8*mib, faults.Stall)}},
		{name: "target 500 instead of the upload", extraRead: once, extraSent: layerSize, target: chain{
			answerUpload(faults.Swallowed, http.StatusInternalServerError),
		}},
		{name: "target 500 after the upload", target: chain{
			answerUpload(faults.CarriedOut, http.StatusInternalServerError),
		}},
		{name: "target 503 instead of the upload", extraRead: once, extraSent: layerSize, target: chain{
			answerUpload(faults.Swallowed, http.StatusServiceUnavailable),
		}},
		{name: "target 503 after the upload", target: chain{
			answerUpload(faults.CarriedOut, http.StatusServiceUnavailable),
		}},
		{name: "target 429 Retry-After on the upload", atLeast: 2 * time.Second, target: chain{
			faults.Answer{
				On: uploads, MinBody: large, Times: 1, Status: http.StatusTooManyRequests,
				Header: faults.RetryAfter(2 * time.Second),
			}.Fault(),
		}},
		{name: "target 429 Retry-After on an upload's start", atLeast: 2 * time.Second, target: chain{
			faults.Busy(faults.On(registrytest.StartUpload, registrytest.Mount), 2*time.Second, 1),
		}},
		{name: "target 404 BLOB_UPLOAD_UNKNOWN", target: chain{
			faults.Answer{
				On: uploads, MinBody: large, Times: 1, Status: http.StatusNotFound, Code: "BLOB_UPLOAD_UNKNOWN",
			}.Fault(),
		}},
		{name: "target 404 BLOB_UPLOAD_UNKNOWN after the body", extraRead: once, extraSent: layerSize, target: chain{
			faults.Answer{
				On: uploads, MinBody: large, Times: 1, Body: faults.Swallowed,
				Status: http.StatusNotFound, Code: "BLOB_UPLOAD_UNKNOWN",
			}.Fault(),
		}},
		{name: "target 503 on the manifest", target: chain{
			refuse(faults.On(registrytest.PutManifest), http.StatusServiceUnavailable, 2),
		}},
		{name: "target 429 on the manifest", atLeast: time.Second, target: chain{
			faults.Busy(faults.On(registrytest.PutManifest), time.Second, 1),
		}},
		{name: "target does not see its blobs yet", atLeast: 2 * time.Second, target: chain{
			faults.Answer{
				On: faults.On(registrytest.PutManifest), Times: 2, Status: http.StatusBadRequest, Code: "MANIFEST_BLOB_UNKNOWN",
			}.Fault(),
		}},
		{name: "target 413", extraSent: layerSize, target: chain{faults.TooLarge(5 * mib)}},
		{name: "target takes no chunks", target: chain{faults.NoPatch()}},
		{name: "target mounts nothing", target: chain{faults.NoMount()}},

		{name: "both strip headers on HEAD", source: chain{faults.BareHead()}, target: chain{faults.BareHead()}},
		{name: "both refuse HEAD", source: chain{faults.NoHead()}, target: chain{faults.NoHead()}},
		{name: "relative locations", target: chain{faults.RelativeLocations()}},
		{name: "absolute locations", target: chain{faults.AbsoluteLocations()}},
	}
}

var uploads = faults.On(registrytest.PatchUpload, registrytest.PutUpload)

func cutDownload(after int64, times int, how faults.Ending) registrytest.Middleware {
	return faults.CutDownloads(faults.Cut{After: after, Times: times, How: how})
}

func cutUpload(after int64, how faults.Ending) registrytest.Middleware {
	return faults.CutUploads(faults.Cut{After: after, Times: 1, How: how})
}

func refuse(on faults.Match, status, times int) registrytest.Middleware {
	return faults.Answer{On: on, Times: times, Status: status}.Fault()
}

func answerUpload(fate faults.Fate, status int) registrytest.Middleware {
	return faults.Answer{On: uploads, MinBody: large, Times: 1, Body: fate, Status: status}.Fault()
}

// Every fault of the table is survived, between registries of either generation, and
// nothing is moved twice but what was in flight.
func TestFaultTable(t *testing.T) {
	image := name{"app", "v1"}
	for _, behind := range targets {
		t.Run(behind.name, func(t *testing.T) {
			r := &rig{source: newSide(t, registrytest.Debian(t, registrytest.Options{}))}
			r.push(t, image, newLayer(t, layerSize))
			for _, tt := range table() {
				if behind.targetOnly && tt.target == nil {
					continue
				}
				t.Run(tt.name, func(t *testing.T) {
					t.Parallel() // most of a row is waiting
					r := &rig{
						source: newSide(t, r.source.behind, tt.source...),
						target: newSide(t, behind.start(t), tt.target...),
					}
					r.source.opts.StallTimeout, r.target.opts.StallTimeout = tt.stall, tt.stall
					started := time.Now()
					succeeded(t, r.copy(t.Context(), t, image))
					if took := time.Since(started); took < tt.atLeast {
						t.Errorf("took %v, want the pauses obeyed, %v at least", took, tt.atLeast)
					}
					r.arrived(t, image)
					r.moved(t, layerSize, tt.extraRead, tt.extraSent)
				})
			}
		})
	}
}

// targets are the two generations of the reference registry: they differ in what is left
// of an upload that broke.
var targets = []struct {
	name  string
	start func(*testing.T) *registrytest.Registry
	// targetOnly leaves the rows out in which nothing happens to the target.
	targetOnly bool
}{
	{"Debian", debian, false},
	{"distribution", func(t *testing.T) *registrytest.Registry {
		return registrytest.Distribution(t, registrytest.Options{})
	}, true},
}
