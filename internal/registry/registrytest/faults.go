package registrytest

import (
	"io"
	"net/http"
	"sync"
)

// Always, as a number of times that a fault strikes, means every time. Each fault counts
// for itself, over all requests of its server.
const Always = -1

// Match says whether a fault is for a request.
type Match func(*http.Request) bool

// On matches requests of the given kinds.
func On(kinds ...Kind) Match {
	return func(r *http.Request) bool {
		kind := Classify(r).Kind
		for _, k := range kinds {
			if k == kind {
				return true
			}
		}
		return false
	}
}

// In narrows a match to one repository.
func (m Match) In(repository string) Match {
	return func(r *http.Request) bool { return Classify(r).Repository == repository && m(r) }
}

// or returns m, or other where m is nil.
func (m Match) or(other Match) Match {
	if m == nil {
		return other
	}
	return m
}

// budget is how many times a fault strikes, after how many that it lets pass. It is
// safe for concurrent use.
type budget struct {
	mu          sync.Mutex
	skip, times int
}

// take says whether the fault strikes now.
func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.skip > 0:
		b.skip--
		return false
	case b.times == 0:
		return false
	case b.times > 0:
		b.times--
	}
	return true
}

// giveBack undoes a take that did not come to a strike after all.
func (b *budget) giveBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.times >= 0 {
		b.times++
	}
}

// withBody is the request with another body. It is a copy: net/http's server looks at the
// body of its own request to find out whether the client waits for a 100, and would hold
// back an answer that comes before the body.
func withBody(r *http.Request, body io.ReadCloser) *http.Request {
	r = r.WithContext(r.Context())
	r.Body = body
	return r
}

// serveBroken serves where the reply will be broken off: a proxy gives up by a panic
// then, which is not the end of it here.
func serveBroken(registry http.Handler, w http.ResponseWriter, r *http.Request, broken func() bool) {
	defer func() {
		if p := recover(); p != nil && !broken() {
			panic(p)
		}
	}()
	registry.ServeHTTP(w, r)
}
