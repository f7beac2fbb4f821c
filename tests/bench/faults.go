package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
	"github.com/pgrelocate/pgrelocate/tests/bench/families"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
	"github.com/pgrelocate/pgrelocate/tests/bench/processes"
)

// fault is one row of the fault table: what goes wrong while one image with one layer is
// copied. The faults are made anew for each tool.
type fault struct {
	name           string
	source, target func(at int64) []registrytest.Middleware
	// tokens puts a token server before the target.
	tokens bool
	// resent is how much of the layer an ideal copy sends a second time, for it was lost on
	// the way: the piece in flight.
	resent func(layer, at int64) int64
	// reread is the same for the source, for who keeps nothing of what has been sent.
	reread func(layer, at int64) int64
}

func none(int64, int64) int64            { return 0 }
func untilTheCut(_, at int64) int64      { return at }
func theWholeLayer(layer, _ int64) int64 { return layer }

type middlewares = []registrytest.Middleware

func one(f func(at int64) registrytest.Middleware) func(int64) middlewares {
	return func(at int64) middlewares { return middlewares{f(at)} }
}

func cutDownload(share float64, times int, how faults.Ending) func(int64) middlewares {
	return one(func(at int64) registrytest.Middleware {
		return faults.CutDownloads(faults.Cut{After: int64(share * float64(at)), Times: times, How: how})
	})
}

func cutUpload(how faults.Ending) func(int64) middlewares {
	return one(func(at int64) registrytest.Middleware {
		return faults.CutUploads(faults.Cut{After: at, Times: 1, How: how})
	})
}

var (
	uploadBodies = faults.On(registrytest.PatchUpload, registrytest.PutUpload)
	manifestPut  = faults.On(registrytest.PutManifest)
	manifestRead = faults.On(registrytest.GetManifest, registrytest.HeadManifest)
	blobRead     = faults.On(registrytest.GetBlob)
)

func answer(a faults.Answer) func(int64) middlewares {
	return one(func(int64) registrytest.Middleware { return a.Fault() })
}

func upload(fate faults.Fate, status int, code string, header func() http.Header) func(int64) middlewares {
	return answer(faults.Answer{
		On: uploadBodies, MinBody: mib, Times: 1, Body: fate, Status: status, Code: code, Header: header,
	})
}

// faultTable is the table of what bites: at is where transfers are cut, 25 of 40 MiB.
func faultTable() []fault {
	return []fault{
		{name: "no fault"},
		{name: "source closes once", source: cutDownload(1, 1, faults.Close)},
		{name: "source resets once", source: cutDownload(1, 1, faults.Reset), reread: untilTheCut},
		{name: "source closes 6 times", source: cutDownload(0.2, 6, faults.Close)},
		{name: "source stops sending, connection open", source: cutDownload(1, 1, faults.Stall)},
		{name: "source closes once, serves no ranges", reread: untilTheCut, source: func(at int64) middlewares {
			return append(cutDownload(1, 1, faults.Close)(at), faults.IgnoreRange())
		}},
		{name: "source 429 Retry-After 5, twice, on a manifest", source: answer(faults.Answer{
			On: manifestRead, Times: 2, Status: http.StatusTooManyRequests, Header: faults.RetryAfter(5 * time.Second),
		})},
		{name: "source 503 twice on a blob", source: answer(faults.Answer{
			On: blobRead, Times: 2, Status: http.StatusServiceUnavailable,
		})},
		{name: "target cuts the upload", target: cutUpload(faults.Close), resent: untilTheCut, reread: theWholeLayer},
		{name: "target stops taking the upload", target: cutUpload(faults.Stall), resent: untilTheCut, reread: theWholeLayer},
		{name: "target 500 in place of the upload", resent: theWholeLayer, reread: theWholeLayer,
			target: upload(faults.Swallowed, http.StatusInternalServerError, "", nil)},
		{name: "target 500 after the upload",
			target: upload(faults.CarriedOut, http.StatusInternalServerError, "", nil)},
		{name: "target 503 in place of the upload", resent: theWholeLayer, reread: theWholeLayer,
			target: upload(faults.Swallowed, http.StatusServiceUnavailable, "", nil)},
		{name: "target 503 after the upload",
			target: upload(faults.CarriedOut, http.StatusServiceUnavailable, "", nil)},
		{name: "target 429 Retry-After 5 on the upload",
			target: upload(faults.Unread, http.StatusTooManyRequests, "TOOMANYREQUESTS", faults.RetryAfter(5*time.Second))},
		{name: "target 404 BLOB_UPLOAD_UNKNOWN",
			target: upload(faults.Unread, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", nil)},
		{name: "target 401 on the upload's body, token expired", tokens: true},
		{name: "target 413 above 10 MiB", resent: theWholeLayer, target: one(func(at int64) registrytest.Middleware {
			return faults.TooLarge(at * 2 / 5)
		})},
		{name: "target 503 on the manifest", target: answer(faults.Answer{
			On: manifestPut, Times: 1, Status: http.StatusServiceUnavailable,
		})},
		{name: "target 429 on the manifest", target: answer(faults.Answer{
			On: manifestPut, Times: 1, Status: http.StatusTooManyRequests, Header: faults.RetryAfter(time.Second),
		})},
	}
}

// faults holds every tool against every row of the table.
func (b *bench) faults() {
	f := b.seed(families.Single(b.opts.faultLayer))
	b.scoped(func() {
		source := b.startRegistry(registrytest.Options{Root: f.Root, ReadOnly: true})
		for _, fault := range faultTable() {
			row := fault.row(f)
			for _, t := range b.tools {
				if t.oneImage && b.ctx.Err() == nil {
					b.scoped(func() { row.Outcomes = append(row.Outcomes, b.tryFault(t, f, fault, source)) })
				}
			}
			b.report.Faults = append(b.report.Faults, row)
		}
	})
}

func (f fault) row(family *families.Family) figures.FaultRow {
	layer := family.Blobs[0].Size
	most := func(again func(layer, at int64) int64) float64 {
		if again == nil {
			again = none
		}
		return float64(layer+again(layer, cutAt(family))) / mib
	}
	return figures.FaultRow{Fault: f.name, MostRead: most(f.reread), MostSent: most(f.resent)}
}

// cutAt is 25 of 40 MiB.
func cutAt(f *families.Family) int64 { return f.Blobs[0].Size * 5 / 8 }

func (b *bench) tryFault(t *tool, f *families.Family, fault fault, behind *registrytest.Registry) figures.Outcome {
	var read, sent registrytest.Counter
	at := cutAt(f)
	source := registrytest.Front(b, behind, faultsBehind(&read, fault.source, at)...)
	targetOptions := registrytest.Options{}
	if fault.tokens {
		targetOptions.Tokens = &registrytest.TokenOptions{}
	}
	empty := b.startRegistry(targetOptions)
	if fault.tokens {
		// Both bodies: one of them is the layer's.
		fault.target = one(func(int64) registrytest.Middleware {
			return faults.TokenExpired(empty.Tokens.Realm(), faults.Unread, 2)
		})
	}
	target := registrytest.Front(b, empty, faultsBehind(&sent, fault.target, at)...)

	j := &job{
		source: source.Host, target: target.Host, artifacts: f.Spec.Artifacts, family: f.Spec, dir: b.TempDir(),
		extra: []string{"--stall-timeout", "10s"},
	}
	c := b.runInner(processes.Batch{Commands: t.commands(t, j), Parallel: t.parallel, Timeout: b.opts.faultTimeout})
	o := figures.Outcome{
		Tool: t.name, Ours: t.ours, Seconds: c.Wall, Said: c.Said, Result: result(c, b.holdsLayer(empty, f)),
		Read: float64(read.Counts().BytesSent) / mib, Sent: float64(sent.Counts().BytesReceived) / mib,
	}
	b.Logf("  %-48s %-12s %-5s read %5.1f, sent %5.1f MiB, %.1f s", fault.name, t.name, o.Result, o.Read, o.Sent, o.Seconds)
	return o
}

func faultsBehind(counter *registrytest.Counter, make func(int64) middlewares, at int64) middlewares {
	list := middlewares{counter.Wrap}
	if make != nil {
		list = append(list, make(at)...)
	}
	return list
}

func result(c figures.Cost, there bool) string {
	switch {
	case c.Hung > 0:
		return "hangs"
	case c.Failed > 0:
		return "fails"
	case !there:
		return "lies"
	}
	return "ok"
}

// holdsLayer tells whether a target has the image with its layer.
func (b *bench) holdsLayer(target *registrytest.Registry, f *families.Family) bool {
	a := f.Spec.Artifacts[0]
	image, err := remote.Image(target.Reference(b, families.Folder+"/"+a.String()), target.Remote(b.ctx)...)
	var refused *transport.Error
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		return false
	}
	b.check(err)
	digest, err := image.Digest()
	b.check(err)
	layers, err := image.Layers()
	b.check(err)
	for _, layer := range layers {
		content, err := layer.Compressed()
		if err != nil {
			return false
		}
		_ = content.Close()
	}
	return digest.String() == f.Digests[a.String()]
}
