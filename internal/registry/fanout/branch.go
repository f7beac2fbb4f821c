package fanout

import (
	"context"
	"errors"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// Branch is one of the copies that share a Fan. Until Needs says what it needs, it may need
// everything.
type Branch struct {
	fan   *Fan
	index int

	mu    sync.Mutex
	views map[string]*view // by host

	// What follows is guarded by the fan's lock.
	planned map[plan.BlobKey]bool // nil until it is known
	ended   bool
	got     map[plan.BlobKey]bool // blobs that its target has
	read    map[plan.BlobKey]bool // blobs that it has begun to read
	again   Again
}

// Source returns what serves a host, as registry.Endpoints want it.
func (b *Branch) Source(host string) (registry.Source, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.views[host]; known != nil {
		return known, nil
	}
	source, err := b.fan.open(host)
	if err != nil {
		return nil, err
	}
	made := &view{Source: source, branch: b, host: host}
	b.views[host] = made
	return made, nil
}

// Target is the branch's target, which tells what has arrived there.
func (b *Branch) Target(target registry.Target) registry.Target { return &arrivals{target, b} }

// Needs says which blobs have to move to the branch's target, once that is planned.
func (b *Branch) Needs(blobs []*plan.Blob) {
	planned := map[plan.BlobKey]bool{}
	for _, blob := range blobs {
		if blob.Home() == "" {
			planned[plan.KeyOf(blob.Descriptor)] = true
		}
	}
	f := b.fan
	f.mu.Lock()
	b.planned = planned
	f.sweepAll()
	f.mu.Unlock()
	f.decided()
}

// End says that the branch reads nothing any more. It may be called more than once.
func (b *Branch) End() {
	f := b.fan
	f.mu.Lock()
	ended := b.ended
	b.ended = true
	f.sweepAll()
	f.mu.Unlock()
	if !ended {
		f.own.leave(b.index)
		f.decided()
	}
}

// decided forgets what the source has answered once no branch plans any more: a source may be
// asked for the same again later, and should say what is so then.
func (f *Fan) decided() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.branches {
		if b.planned == nil && !b.ended {
			return
		}
	}
	f.asked.end()
}

// needs tells whether the branch is going to read a blob, or may. The fan's lock is held.
func (b *Branch) needs(key plan.BlobKey) bool {
	return !b.ended && !b.got[key] && (b.planned == nil || b.planned[key])
}

// arrivals is a target of which the branch hears what has arrived.
type arrivals struct {
	registry.Target
	branch *Branch
}

// PushBlob implements registry.Target.
func (a *arrivals) PushBlob(ctx context.Context, repository string, blob v1.Descriptor, body registry.Body, anew bool) (registry.Outcome, error) {
	key, f := plan.KeyOf(blob), a.branch.fan
	done, err := f.mayPush(ctx, a.branch, blob)
	if err != nil {
		return 0, err
	}
	outcome, err := a.Target.PushBlob(ctx, repository, blob, body, anew)
	done()
	f.mu.Lock()
	defer f.mu.Unlock()
	fl := f.flights[key]
	switch {
	case err == nil:
		a.branch.got[key] = true
		if fl != nil {
			f.sweep(fl)
		}
	case fl != nil && errors.Is(err, registry.ErrDigestMismatch) && fl.complete():
		f.drop(fl) // perhaps another origin has the right bytes
	}
	return outcome, err
}
