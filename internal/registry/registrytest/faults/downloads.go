package faults

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Cut says where and how often a transfer is cut.
type Cut struct {
	// On is nil for every download, or every upload, of a blob.
	On Match
	// After is how many bytes of one body pass before it is cut; shorter ones pass whole.
	After int64
	// Skip lets that many transfers be; Times is how many are cut then, or Always.
	Skip, Times int
	// How is Close when zero.
	How Ending
	// Struck is called when a transfer is cut, before it ends; it may be nil.
	Struck func()
}

// CutDownloads cuts the bodies of replies.
func CutDownloads(cut Cut) registrytest.Middleware {
	on := cut.On.or(On(registrytest.GetBlob))
	left := &budget{skip: cut.Skip, times: cut.Times}
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !on(r) {
				registry.ServeHTTP(w, r)
				return
			}
			short := &shortWriter{ResponseWriter: w, left: cut.After, strike: left.take}
			serveBroken(registry, short, r, func() bool { return short.cut })
			if short.cut {
				cut.struck()
				cut.How.endReply(w, r)
			}
		})
	}
}

func (c Cut) struck() {
	if c.Struck != nil {
		c.Struck()
	}
}

// shortWriter passes left bytes on and refuses the rest.
type shortWriter struct {
	http.ResponseWriter
	left   int64
	strike func() bool // asked once, when the first byte too many comes
	asked  bool
	cut    bool
}

func (s *shortWriter) Write(p []byte) (int, error) {
	if !s.asked && int64(len(p)) > s.left {
		s.asked = true
		s.cut = s.strike()
	}
	if s.asked && !s.cut {
		return s.ResponseWriter.Write(p)
	}
	pass := min(int64(len(p)), s.left)
	n, err := s.ResponseWriter.Write(p[:pass])
	s.left -= int64(n)
	if err == nil && n < len(p) {
		err = errCut
	}
	return n, err
}

// IgnoreRange makes a registry that cannot continue: it sends every blob whole.
func IgnoreRange() registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			registry.ServeHTTP(w, r)
		})
	}
}

// WrongContentRange makes a registry that says of the first times pieces, or Always,
// that they begin shift bytes from where they do.
func WrongContentRange(shift int64, times int) registrytest.Middleware {
	left := &budget{times: times}
	return rewriteReply(On(registrytest.GetBlob), func(status int, header http.Header) {
		first, rest, ok := strings.Cut(strings.TrimPrefix(header.Get("Content-Range"), "bytes "), "-")
		begin, err := strconv.ParseInt(first, 10, 64)
		if status != http.StatusPartialContent || !ok || err != nil || !left.take() {
			return
		}
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%s", begin+shift, rest))
	})
}

// WrongBytes flips one bit of the byte at an offset of a reply, for the first times blob
// downloads that reach it, or Always.
func WrongBytes(offset int64, times int) registrytest.Middleware {
	left := &budget{times: times}
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if registrytest.Classify(r).Kind == registrytest.GetBlob {
				w = &flippingWriter{ResponseWriter: w, until: offset, strike: left.take}
			}
			registry.ServeHTTP(w, r)
		})
	}
}

type flippingWriter struct {
	http.ResponseWriter
	until  int64
	strike func() bool
}

func (f *flippingWriter) Write(p []byte) (int, error) {
	if f.until >= 0 && f.until < int64(len(p)) && f.strike() {
		wrong := append([]byte(nil), p...)
		wrong[f.until] ^= 1
		p = wrong
	}
	n, err := f.ResponseWriter.Write(p)
	f.until -= int64(n)
	return n, err
}

// EndEarly ends blob downloads after some bytes as if that were all: with a
// Content-Length to match where declared is set, and without any where it is not. It
// does so to the first times downloads that are longer, or Always.
func EndEarly(after int64, declared bool, times int) registrytest.Middleware {
	left := &budget{times: times}
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if registrytest.Classify(r).Kind != registrytest.GetBlob {
				registry.ServeHTTP(w, r)
				return
			}
			var early bool
			edit := func(status int, header http.Header) {
				length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
				early = err == nil && length > after && status < 300 && left.take()
				switch {
				case early && declared:
					header.Set("Content-Length", strconv.FormatInt(after, 10))
				case early:
					header.Del("Content-Length")
				}
			}
			short := &shortWriter{ResponseWriter: w, left: after, strike: func() bool { return early }}
			serveBroken(registry, &replyWriter{ResponseWriter: short, edit: edit}, r, func() bool { return early })
		})
	}
}
