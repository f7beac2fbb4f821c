package oci

import (
	"context"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ahead are manifests that are fetched before the walk comes to them: over a long line each costs a
// round trip, and an index names one or two for each platform. What is walked, in which order, and
// which error ends it, is as if each were fetched when the walk comes to it.
type ahead struct {
	ctx   context.Context
	under sync.WaitGroup
	// begun are those that nobody has asked for yet.
	begun map[v1.Hash]*fetched
}

// fetched is a manifest as it was asked for: under another type a registry may answer something else.
type fetched struct {
	as       types.MediaType
	done     chan struct{}
	manifest Manifest
	err      error
}

// begin starts to fetch the next of an index's children, as many as may be under way at once.
func (w *Walk) begin(children []v1.Descriptor) {
	if w.AtOnce <= 1 {
		return
	}
	for _, child := range children[:min(w.AtOnce, len(children))] {
		_, met := w.known[child.Digest]
		if met || w.ahead.begun[child.Digest] != nil || !mayBeManifest(child) || !w.room(child) {
			continue
		}
		f := &fetched{as: child.MediaType, done: make(chan struct{})}
		w.ahead.begun[child.Digest] = f
		w.ahead.under.Go(func() {
			defer close(f.done)
			f.manifest, f.err = w.Fetch(w.ahead.ctx, child)
		})
	}
}

// room tells that the walk is not about to end for its limits: then nothing more is fetched than it
// comes to.
func (w *Walk) room(child v1.Descriptor) bool {
	limits := w.Limits.orDefault()
	return len(w.known)+len(w.ahead.begun) < limits.Manifests && w.Bytes.Load()+child.Size <= limits.Bytes
}

// fetch is the manifest that an index names, if need be as it has been fetched already.
func (w *Walk) fetch(ctx context.Context, child v1.Descriptor) (Manifest, error) {
	f := w.ahead.begun[child.Digest]
	if f == nil || f.as != child.MediaType {
		return w.Fetch(ctx, child)
	}
	delete(w.ahead.begun, child.Digest)
	select {
	case <-f.done:
		return f.manifest, f.err
	case <-ctx.Done():
		return Manifest{}, context.Cause(ctx)
	}
}
