package fanout

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// DefaultLimit is how large the temporary file gets where Options do not say.
const DefaultLimit = 4 << 30

// Options steer New.
type Options struct {
	// Branches is how many copies there are.
	Branches int
	// Limit is how many bytes are kept at once of blobs that somebody still needs; 0 keeps none, so
	// that each branch reads for itself.
	Limit int64
	// TempDir holds them, in one file that is unlinked where the system allows it; empty means
	// os.TempDir.
	TempDir string
	// Jobs is how many blobs a source gives at once; 0 means 8. Branches that read for themselves
	// share it out, so that a slow one leaves places to the others.
	Jobs int
	// NotKept is told once why nothing can be kept in TempDir, where that is so: it is not there, or the
	// disk is full. Every branch reads for itself then. It does not block; nil is nobody.
	NotKept func(error)
}

// Counts say what was read of blobs, planning included.
type Counts struct {
	// Bytes were read from the sources by all branches together.
	Bytes int64
	// Again says what was read for a branch though others had read it before, by the branch.
	Again []Again
}

// Again is what was read once more.
type Again struct {
	Blobs int
	Bytes int64
}

// Fan is what several copies share. Use New, and Close at the end; it is safe for concurrent use.
type Fan struct {
	ctx    context.Context
	cancel context.CancelFunc
	open   func(host string) (registry.Source, error)
	opts   Options
	spool  *spool
	asked  memo
	own    *turns
	fetch  sync.WaitGroup

	mu       sync.Mutex
	branches []*Branch
	flights  map[plan.BlobKey]*flight
	begun    map[plan.BlobKey]bool // blobs of which somebody has begun to read

	bytes atomic.Int64
}

// New returns what copies share that read from what open returns for a host. What is fetched for all
// ends with ctx.
func New(ctx context.Context, open func(host string) (registry.Source, error), opts Options) *Fan {
	if opts.Jobs <= 0 {
		opts.Jobs = 8
	}
	f := &Fan{
		open: open, opts: opts, spool: newSpool(opts.TempDir, opts.Limit, opts.NotKept), own: newTurns(opts.Jobs, opts.Branches),
		flights: map[plan.BlobKey]*flight{}, begun: map[plan.BlobKey]bool{},
	}
	f.ctx, f.cancel = context.WithCancel(ctx)
	f.asked.calls = map[string]*call{}
	for i := range opts.Branches {
		f.branches = append(f.branches, &Branch{
			fan: f, index: i, views: map[string]*view{},
			got: map[plan.BlobKey]bool{}, read: map[plan.BlobKey]bool{},
		})
	}
	return f
}

// Branch is the part of one of the copies, from 0 on.
func (f *Fan) Branch(i int) *Branch { return f.branches[i] }

// Counts tells what was read so far.
func (f *Fan) Counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := Counts{Bytes: f.bytes.Load()}
	for _, b := range f.branches {
		counts.Again = append(counts.Again, b.again)
	}
	return counts
}

// Close ends what is being fetched, and removes the temporary file. No branch reads any more.
func (f *Fan) Close() {
	f.cancel()
	f.fetch.Wait()
	f.spool.close()
}

// blob opens a blob for a branch: from what is fetched for all, if others need it too and there is
// room for it, and else for the branch alone.
func (f *Fan) blob(ctx context.Context, b *Branch, at origin, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	if from < 0 || from > to || to > blob.Size {
		return registry.Content{}, fmt.Errorf("blob %s: bytes %d to %d of %d", blob.Digest, from, to, blob.Size)
	}
	f.mu.Lock()
	f.begin(b, blob, to-from)
	shared := f.flight(b, at, blob, from, to)
	f.mu.Unlock()
	if shared == nil {
		return f.alone(ctx, at, blob, from, to)
	}
	return shared.reader(ctx, at, from, to), nil
}

// begin notes that a branch reads so many bytes of a blob. The lock is held.
func (f *Fan) begin(b *Branch, blob v1.Descriptor, size int64) {
	key := plan.KeyOf(blob)
	first := !b.read[key]
	b.read[key] = true
	if fl := f.flights[key]; f.begun[key] && first && (fl == nil || !fl.wanted()) {
		b.again.Blobs++
		b.again.Bytes += size
	}
	f.begun[key] = true
}

// flight is what is fetched of a blob for all who need it, with one reader more; nil where the branch
// reads for itself. The lock is held.
func (f *Fan) flight(b *Branch, at origin, blob v1.Descriptor, from, to int64) *flight {
	if to != blob.Size {
		return nil
	}
	found := f.shared(b, blob)
	if found != nil {
		found.readers++
		found.want(at, from)
	}
	return found
}

// shared is the flight of a blob, a new one where others need it too and there is room for it; nil where
// the branch has to read for itself. The lock is held.
func (f *Fan) shared(b *Branch, blob v1.Descriptor) *flight {
	key := plan.KeyOf(blob)
	if found := f.flights[key]; found != nil {
		return found
	}
	if blob.Size == 0 || !f.neededBeside(b, key) {
		return nil
	}
	base, ok := f.spool.take(blob.Size)
	if !ok {
		return nil
	}
	f.flights[key] = newFlight(f, blob, base)
	return f.flights[key]
}

// neededBeside tells whether another branch needs the blob, or may. The lock is held.
func (f *Fan) neededBeside(b *Branch, key plan.BlobKey) bool {
	for _, other := range f.branches {
		if other != b && other.needs(key) {
			return true
		}
	}
	return false
}

// left notes that a reader of a flight is done. What nobody needs any more goes.
func (f *Fan) left(fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl.readers--
	f.sweep(fl)
}

// drop has a blob fetched anew by whoever asks for it next. The lock is held.
func (f *Fan) drop(fl *flight) {
	if f.flights[plan.KeyOf(fl.blob)] == fl {
		delete(f.flights, plan.KeyOf(fl.blob))
	}
	f.sweep(fl)
}

// sweep ends a flight that nobody reads, and nobody is going to. The lock is held.
func (f *Fan) sweep(fl *flight) {
	key := plan.KeyOf(fl.blob)
	if fl.readers > 0 || f.flights[key] == fl && f.neededBeside(nil, key) {
		return
	}
	if f.flights[key] == fl {
		delete(f.flights, key)
	}
	fl.end()
}

// sweepAll does that for all, once somebody needs less than before. The lock is held.
func (f *Fan) sweepAll() {
	for _, fl := range f.flights {
		f.sweep(fl)
	}
}

// arrived counts bytes from a source.
func (f *Fan) arrived(n int) { f.bytes.Add(int64(n)) }
