package faults

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Storm is bad weather: a share of all transfers is cut and a share of all requests is
// refused. What becomes of a request hangs on the seed, on what it asks for and on how
// often that was asked for before, not on the order in which different requests come.
type Storm struct {
	Seed uint64
	// CutDownloads and CutUploads are the shares, from 0 to 1, of blobs' bodies that are
	// cut, somewhere between their first byte and their last.
	CutDownloads, CutUploads float64
	// Busy is the share of all requests that are answered with 429 or 503, by turns, and
	// a Retry-After of Pause, in whole seconds.
	Busy  float64
	Pause time.Duration
}

// Fault makes a fault of the storm.
func (s Storm) Fault() registrytest.Middleware {
	dice := &dice{seed: s.Seed, asked: map[string]uint64{}}
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			roll := dice.roll(r)
			q := registrytest.Classify(r)
			switch {
			case roll.Float64() < s.Busy:
				s.refuse(roll, w, r)
			case q.Kind == registrytest.GetBlob && roll.Float64() < s.CutDownloads:
				cutDownload(roll.Float64(), registry, w, r)
			case sendsBlob(r) && roll.Float64() < s.CutUploads:
				cutUpload(roll.Float64(), registry, w, r)
			default:
				registry.ServeHTTP(w, r)
			}
		})
	}
}

func (s Storm) refuse(roll *rand.Rand, w http.ResponseWriter, r *http.Request) {
	status, code := http.StatusTooManyRequests, "TOOMANYREQUESTS"
	if roll.IntN(2) == 0 {
		status, code = http.StatusServiceUnavailable, "UNAVAILABLE"
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(s.Pause.Seconds())))
	writeError(w, r, status, code, "bad weather")
}

// cutDownload cuts a reply after a share of it.
func cutDownload(share float64, registry http.Handler, w http.ResponseWriter, r *http.Request) {
	short := &shortWriter{ResponseWriter: w, left: 0, strike: func() bool { return true }}
	measured := &replyWriter{ResponseWriter: short, edit: func(_ int, header http.Header) {
		length, _ := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
		short.left = int64(share * float64(length))
	}}
	serveBroken(registry, measured, r, func() bool { return short.cut })
	if short.cut {
		Close.endReply(w, r)
	}
}

// cutUpload cuts a request's body after a share of it, one of unknown length somewhere
// in its first 8 MiB.
func cutUpload(share float64, registry http.Handler, w http.ResponseWriter, r *http.Request) {
	length := r.ContentLength
	if length < 0 {
		length = 8 << 20
	}
	body := &shortBody{ReadCloser: r.Body, left: int64(share * float64(length))}
	r = registrytest.WithBody(r, body)
	isCut := body.cut.Load
	serveBroken(registry, &heldReply{w, isCut}, r, isCut)
	if body.cut.Load() {
		Close.end(w, r)
	}
}

// dice gives every request a generator of its own.
type dice struct {
	seed uint64

	mu    sync.Mutex
	asked map[string]uint64 // how often, by what
}

func (d *dice) roll(r *http.Request) *rand.Rand {
	q := registrytest.Classify(r)
	what := string(q.Kind) + " " + q.Repository
	switch q.Kind {
	case registrytest.PatchUpload, registrytest.PutUpload, registrytest.GetUpload, registrytest.CancelUpload: // the id is another every time
	case registrytest.Mount:
		what += " " + r.URL.Query().Get("mount")
	default:
		what += " " + q.Reference
	}
	what += " " + r.URL.Query().Get("digest")

	d.mu.Lock()
	nth := d.asked[what]
	d.asked[what]++
	d.mu.Unlock()

	hash := fnv.New64a()
	_, _ = hash.Write(binary.LittleEndian.AppendUint64([]byte(what), nth))
	return rand.New(rand.NewPCG(d.seed, hash.Sum64()))
}
