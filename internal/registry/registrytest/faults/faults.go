// Package faults makes things go wrong between a client and a registry: each fault is a small
// handler to put before one, with registrytest.Front. Habits of registries and of proxies, which are
// no fault of theirs, and a Hold, which stops a transfer in the midst of it, are made in the same way.
//
// Faults are deterministic: they count, and what is random takes a seed.
package faults

import (
	"net/http"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Always, as a number of times that a fault strikes, means every time. Each fault counts
// for itself, over all requests of its server.
const Always = -1

// Match says whether a fault is for a request.
type Match func(*http.Request) bool

// On matches requests of the given kinds.
func On(kinds ...registrytest.Kind) Match {
	return func(r *http.Request) bool {
		kind := registrytest.Classify(r).Kind
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
	return func(r *http.Request) bool { return registrytest.Classify(r).Repository == repository && m(r) }
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

// sendsBlob says whether a request carries a blob or a piece of one, or may do so.
func sendsBlob(r *http.Request) bool {
	switch registrytest.Classify(r).Kind {
	case registrytest.PatchUpload, registrytest.PutUpload:
		return r.ContentLength != 0
	case registrytest.StartUpload, registrytest.Mount:
		return r.ContentLength > 0
	default:
		return false
	}
}
