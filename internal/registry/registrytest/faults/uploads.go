package faults

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// CutUploads cuts the bodies of uploads. The registry has what came before the cut, and
// its reply, should it give one, is lost.
func CutUploads(cut Cut) registrytest.Middleware {
	on := cut.On.or(sendsBlob)
	left := &budget{skip: cut.Skip, times: cut.Times}
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tooShort := r.ContentLength >= 0 && r.ContentLength <= cut.After
			if !on(r) || tooShort || !left.take() {
				registry.ServeHTTP(w, r)
				return
			}
			body := &shortBody{ReadCloser: r.Body, left: cut.After}
			r = registrytest.WithBody(r, body)
			isCut := body.cut.Load
			serveBroken(registry, &heldReply{w, isCut}, r, isCut)
			if !body.cut.Load() { // of unknown length, and short
				left.giveBack()
				return
			}
			cut.struck()
			cut.How.end(w, r)
		})
	}
}

// heldReply drops what is written once lost says so.
type heldReply struct {
	http.ResponseWriter
	lost func() bool
}

func (h *heldReply) Write(p []byte) (int, error) {
	if h.lost() {
		return len(p), nil
	}
	return h.ResponseWriter.Write(p)
}

func (h *heldReply) WriteHeader(status int) {
	if !h.lost() {
		h.ResponseWriter.WriteHeader(status)
	}
}

// CutIdleUploads makes a target that closes the connection of an upload that brings
// nothing for a while, as many do when the source is slow.
func CutIdleUploads(patience time.Duration) registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !sendsBlob(r) {
				registry.ServeHTTP(w, r)
				return
			}
			body := &impatientBody{ReadCloser: r.Body, control: http.NewResponseController(w), patience: patience}
			isCut := body.cut.Load
			serveBroken(registry, &heldReply{w, isCut}, registrytest.WithBody(r, body), isCut)
			if body.cut.Load() {
				Close.end(w, r)
			}
		})
	}
}

// impatientBody is a request's body whose every read has to bring something in time.
type impatientBody struct {
	io.ReadCloser
	control  *http.ResponseController
	patience time.Duration
	cut      atomic.Bool
}

func (b *impatientBody) Read(p []byte) (int, error) {
	if err := b.control.SetReadDeadline(time.Now().Add(b.patience)); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		b.cut.Store(true)
	}
	_ = b.control.SetReadDeadline(time.Time{})
	return n, err
}

// WrongUploadBytes flips one bit of the byte at an offset of a body, for the first times
// uploads of a blob that reach it, or Always.
func WrongUploadBytes(offset int64, times int) registrytest.Middleware {
	left := &budget{times: times}
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if sendsBlob(r) {
				r = registrytest.WithBody(r, &flippingBody{ReadCloser: r.Body, until: offset, strike: left.take})
			}
			registry.ServeHTTP(w, r)
		})
	}
}

type flippingBody struct {
	io.ReadCloser
	until  int64
	strike func() bool
}

func (f *flippingBody) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if f.until >= 0 && f.until < int64(n) && f.strike() {
		p[f.until] ^= 1
	}
	f.until -= int64(n)
	return n, err
}

// TooLarge makes a proxy that lets no body above limit bytes pass, as nginx does: it
// answers 413 at once where the length is declared, and else when the limit is reached.
func TooLarge(limit int64) registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := &shortBody{ReadCloser: r.Body, left: limit}
			if r.ContentLength <= limit {
				r = registrytest.WithBody(r, body)
				isCut := body.cut.Load
				serveBroken(registry, &heldReply{w, isCut}, r, isCut)
			}
			if r.ContentLength > limit || body.cut.Load() {
				clear(w.Header())
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Connection", "close")
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				_, _ = io.WriteString(w, "<html><h1>413 Request Entity Too Large</h1></html>\n")
			}
		})
	}
}

// NoPatch makes a registry without uploads in pieces: a blob comes in one PUT.
func NoPatch() registrytest.Middleware {
	return Answer{
		On: On(registrytest.PatchUpload), Status: http.StatusMethodNotAllowed, Code: "UNSUPPORTED", Times: Always,
	}.Fault()
}

// ChunkMinLength makes a registry that says how long the pieces of an upload have to be
// at least, and refuses to go on after a shorter one.
func ChunkMinLength(n int64) registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		return announceMinimum(n, newPieces(n).check(registry))
	}
}
