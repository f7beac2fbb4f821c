package faults

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Answer is a reply in place of the registry's.
type Answer struct {
	// On says which requests it is for; nil means all.
	On Match
	// MinBody lets requests with a shorter body be; it is at most a few MiB.
	MinBody int64
	// Skip lets that many requests be; Times is how many are answered then, or Always.
	Skip, Times int
	// Body is what becomes of the request's body; Unread when zero.
	Body Fate

	Status int
	// Code is that of the distribution protocol, "BLOB_UPLOAD_UNKNOWN". Without one the
	// answer is a proxy's: plain text.
	Code string
	// Header makes what is added to the reply's header when it is sent; it may be nil.
	Header func() http.Header
}

// Fate is what becomes of a request that is answered in the registry's place.
type Fate int

// The fates of a request.
const (
	// Unread: the answer comes before the body does.
	Unread Fate = iota
	// Swallowed: the body is taken to its end, and the registry never sees the request.
	Swallowed
	// CarriedOut: the registry does what was asked, but its reply is lost.
	CarriedOut
)

// Fault makes a fault of the answer.
func (a Answer) Fault() registrytest.Middleware {
	left := &budget{skip: a.Skip, times: a.Times}
	on := a.On.or(func(*http.Request) bool { return true })
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !on(r) {
				registry.ServeHTTP(w, r)
				return
			}
			r, long := hasBody(r, a.MinBody)
			if !long || !left.take() {
				registry.ServeHTTP(w, r)
				return
			}
			switch a.Body {
			case Swallowed:
				_, _ = io.Copy(io.Discard, r.Body)
			case CarriedOut:
				registry.ServeHTTP(&lostReply{http.Header{}}, r)
			}
			if a.Header != nil {
				maps.Copy(w.Header(), a.Header())
			}
			writeError(w, r, a.Status, a.Code, http.StatusText(a.Status))
		})
	}
}

// hasBody says whether a request's body has n bytes at least. The request is to be used in
// place of the other from then on. Of a body of unknown length some is read for that, unless its
// client asks first whether it is welcome: then it is long, and a registry answers before any of it.
func hasBody(r *http.Request, n int64) (*http.Request, bool) {
	switch {
	case r.ContentLength >= 0:
		return r, r.ContentLength >= n
	case r.Header.Get("Expect") == "100-continue":
		return r, true
	}
	var head bytes.Buffer
	got, _ := io.CopyN(&head, r.Body, n)
	return registrytest.WithBody(r, struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&head, r.Body), r.Body}), got >= n
}

// RetryAfter is the header that asks for a pause in seconds.
func RetryAfter(pause time.Duration) func() http.Header {
	return func() http.Header {
		return http.Header{"Retry-After": {strconv.Itoa(int(pause.Seconds()))}}
	}
}

// RetryAfterDate is the header that asks for a pause by the time when it ends, which
// has whole seconds: the pause is up to one shorter.
func RetryAfterDate(pause time.Duration) func() http.Header {
	return func() http.Header {
		return http.Header{"Retry-After": {time.Now().Add(pause).UTC().Format(http.TimeFormat)}}
	}
}

// Busy answers 429 and asks for a pause.
func Busy(on Match, pause time.Duration, times int) registrytest.Middleware {
	return Answer{
		On: on, Times: times, Body: Swallowed,
		Status: http.StatusTooManyRequests, Code: "TOOMANYREQUESTS", Header: RetryAfter(pause),
	}.Fault()
}

// UploadUnknown makes a target that has forgotten an upload when the first times bodies,
// or Always, come for it.
func UploadUnknown(times int) registrytest.Middleware {
	return Answer{
		On: sendsBlob, MinBody: 1, Times: times, Body: Swallowed,
		Status: http.StatusNotFound, Code: "BLOB_UPLOAD_UNKNOWN",
	}.Fault()
}

// Silence never answers the first times requests, or Always: the connection stays open
// until the client gives up. The registry does not see them.
func Silence(on Match, times int) registrytest.Middleware {
	left := &budget{times: times}
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !on(r) || !left.take() {
				registry.ServeHTTP(w, r)
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
	}
}
