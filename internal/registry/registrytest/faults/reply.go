package faults

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// errCut is what a registry behind a fault sees where its reply is cut.
var errCut = errors.New("cut by a fault")

// replyWriter lets edit change the status line's headers just before they are sent.
type replyWriter struct {
	http.ResponseWriter
	edit  func(status int, header http.Header)
	wrote bool
}

func (w *replyWriter) WriteHeader(status int) {
	if !w.wrote {
		w.wrote = true
		w.edit(status, w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *replyWriter) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *replyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// rewriteReply edits the headers of all replies to the requests that on matches.
func rewriteReply(on Match, edit func(status int, header http.Header)) registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !on(r) {
				registry.ServeHTTP(w, r)
				return
			}
			reply := &replyWriter{ResponseWriter: w, edit: edit}
			registry.ServeHTTP(reply, r)
			if !reply.wrote { // the server would do it, and past the edit
				reply.WriteHeader(http.StatusOK)
			}
		})
	}
}

// lostReply takes a reply and throws it away.
type lostReply struct{ header http.Header }

func (l *lostReply) Header() http.Header         { return l.header }
func (l *lostReply) Write(p []byte) (int, error) { return len(p), nil }
func (l *lostReply) WriteHeader(int)             {}

// writeError answers as a registry does or, without a code, as a proxy before it.
func writeError(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	if code == "" {
		http.Error(w, message, status)
		return
	}
	type item struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(map[string][]item{"errors": {{code, message}}})
	}
}

// shortBody is a request's body that breaks off after left bytes. A proxy may still read it while its
// reply is written.
type shortBody struct {
	io.ReadCloser
	left int64
	cut  atomic.Bool
}

func (s *shortBody) Read(p []byte) (int, error) {
	if s.left <= 0 {
		// Only a body that really goes on is cut: one byte more tells.
		n, err := s.ReadCloser.Read(make([]byte, 1))
		if n == 0 && err != nil {
			return 0, err
		}
		s.cut.Store(true)
		return 0, io.ErrUnexpectedEOF
	}
	n, err := s.ReadCloser.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	return n, err
}
