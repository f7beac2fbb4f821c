package transfer

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// opener is the part of a Source that reads blobs.
type opener interface {
	Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error)
}

// origin is somewhere a blob can be read.
type origin struct {
	source     opener
	host       string
	repository string
}

// counting is an opener that counts what is fetched from it.
type counting struct {
	opener
	stats *traffic
}

func (c counting) Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	content, err := c.opener.Blob(ctx, repository, blob, from, to)
	if err != nil {
		return registry.Content{}, err
	}
	content.ReadCloser = &countedContent{content.ReadCloser, c.stats}
	return content, nil
}

type countedContent struct {
	io.ReadCloser
	stats *traffic
}

func (c *countedContent) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.stats.fetched.Add(int64(n))
	return n, err
}

// body is the Body of one blob: it reads each byte from its origins once, checks the
// digest as the bytes pass, and keeps what has passed as its buffer sees fit, so that an
// upload that breaks can be sent again without being fetched again. What is kept lies in
// memory for a small blob and in an unlinked temporary file for a large one; bytes that are
// needed again and were not kept are fetched again.
type body struct {
	ctx     context.Context
	cancel  context.CancelFunc
	blob    v1.Descriptor
	origins []origin
	stats   *traffic

	mu      sync.Mutex // held while reading: a superseded reader may still be in use
	turn    int        // of the reader that may read
	hasher  hash.Hash
	passed  int64 // bytes read, checked and kept
	blind   bool  // what came first was never read: the digest cannot be checked here
	kept    buffer
	live    registry.Content
	liveAt  int64
	liveOf  origin
	checked bool
	gauge   *gauge   // may be nil
	lost    []origin // at which the blob could not be read
	onClose func()
}

// newBody returns the Body of a blob. Close it.
func newBody(ctx context.Context, blob v1.Descriptor, origins []origin, stats *traffic, keep buffer) (*body, error) {
	hasher, err := v1.Hasher(blob.Digest.Algorithm)
	if err != nil {
		return nil, err
	}
	b := &body{blob: blob, origins: origins, stats: stats, hasher: hasher, kept: keep}
	b.ctx, b.cancel = context.WithCancel(ctx)
	return b, nil
}

// From implements Body.
func (b *body) From(offset int64) (io.Reader, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if offset < 0 || offset > b.blob.Size {
		return nil, fmt.Errorf("blob %s: offset %d of %d", b.blob.Digest, offset, b.blob.Size)
	}
	b.turn++
	b.live.Permit.End()
	return &bodyReader{body: b, turn: b.turn, at: offset}, nil
}

// fill reads the blob whole, so that sending it needs no origin any more.
func (b *body) fill() error {
	content, err := b.From(0)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, content)
	return err
}

// Close ends reading and forgets what was kept.
func (b *body) Close() {
	b.cancel() // a reader that is not used any more may still wait for the source
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn++
	b.closeLive()
	b.kept.discard()
	if b.onClose != nil {
		b.onClose()
		b.onClose = nil
	}
}

type bodyReader struct {
	body *body
	turn int
	at   int64
}

func (r *bodyReader) Read(p []byte) (int, error) {
	b := r.body
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.turn != b.turn {
		return 0, registry.ErrSuperseded
	}
	n, err := b.readAt(p, r.at)
	r.at += int64(n)
	b.stats.sent.Add(int64(n))
	return n, b.explain(err)
}

// explain says that content could not be read where an error does not do so itself: who
// sends it is at the other side.
func (b *body) explain(err error) error {
	var named *registry.Error
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &named) || b.ctx.Err() != nil {
		return err
	}
	from := b.origins[len(b.origins)-1]
	ref := plan.Origin{Host: from.host, Repository: from.repository}.Of(b.blob.Digest)
	return &registry.Error{Op: "reading blob", Side: registry.SideSource, Host: from.host, Ref: ref, Err: err}
}

// readAt serves what was kept from there, and everything else from the blob's origins.
func (b *body) readAt(p []byte, at int64) (int, error) {
	if b.kept.holds(at) {
		return b.kept.read(p, at)
	}
	if at == b.blob.Size {
		return 0, b.check()
	}
	if at != b.passed || at == 0 {
		b.begins(at)
	}
	if err := b.seek(at); err != nil {
		return 0, err
	}
	n, err := b.live.Read(p[:min(int64(len(p)), b.blob.Size-at)])
	b.pass(p[:n])
	if errors.Is(err, io.EOF) {
		if b.liveAt < b.blob.Size {
			return n, fmt.Errorf("blob %s ended after %d of %d bytes: %w", b.blob.Digest, b.liveAt, b.blob.Size, io.ErrUnexpectedEOF)
		}
		err = nil
	}
	if err != nil && b.ctx.Err() == nil {
		b.closeLive()
		if b.lose(b.liveOf, err) {
			// The same blob can be had elsewhere: what is wrong with one origin must not fail it.
			err = nil
		}
	}
	if err == nil && b.liveAt == b.blob.Size {
		// The last bytes are given out only once the whole is known to be right: an upload
		// that lacks them cannot be taken for complete.
		if err := b.check(); !errors.Is(err, io.EOF) {
			return 0, err
		}
	}
	return n, err
}

// begins gets ready for bytes from offset at on: the first, such as have been read before, or
// such as follow what the target has from an earlier run. Where all comes once more, all is
// checked anew; of a fetch that begins later, what was seen before is not, and the target's own
// check has to find what differs.
func (b *body) begins(at int64) {
	first := b.passed == 0
	if at < b.passed {
		b.kept.rewound(at, b.blob.Size)
	}
	if at == 0 && b.passed > 0 {
		b.hasher.Reset()
		b.passed, b.checked, b.blind = 0, false, false
	}
	if at > b.passed {
		b.passed, b.blind = at, true
		b.gauge.reach(at)
	}
	if first || b.passed == 0 {
		b.kept.starts(at, b.blob.Size)
	}
}

// seek makes the live reader stand at offset.
func (b *body) seek(at int64) error {
	if b.live.ReadCloser != nil && b.liveAt == at {
		return nil
	}
	b.closeLive()
	var errs []error
	for _, from := range slices.Clone(b.origins) {
		if !slices.Contains(b.origins, from) {
			continue // it was given up with another
		}
		live, err := from.source.Blob(b.ctx, from.repository, b.blob, at, b.blob.Size)
		if err == nil {
			b.live, b.liveAt, b.liveOf = live, at, from
			return nil
		}
		errs = append(errs, err)
		if b.ctx.Err() != nil {
			break
		}
		b.lose(from, err)
	}
	if len(errs) == 0 {
		return fmt.Errorf("blob %s: %w in any repository", b.blob.Digest, registry.ErrNotFound)
	}
	return errs[0]
}

// lose gives an origin up, and tells whether there is another. The last stays, for errors to
// name it. A registry from which hardly anything of the blob came, for as long as anybody waits, is
// given up whole: its other repositories have the blob from the same place.
func (b *body) lose(p origin, err error) (more bool) {
	var left []origin
	for _, o := range b.origins {
		if o == p || o.source == p.source && errors.Is(err, registry.ErrStalled) {
			b.lost = append(b.lost, o)
		} else {
			left = append(left, o)
		}
	}
	if len(left) == 0 {
		b.origins = []origin{p}
		return false
	}
	b.origins = left
	return true
}

// lostOrigins are those that were given up, as the plan has them.
func (b *body) lostOrigins() []plan.Origin {
	b.mu.Lock()
	defer b.mu.Unlock()
	var lost []plan.Origin
	for _, o := range b.lost {
		if c, ok := o.source.(counting); ok {
			lost = append(lost, plan.Origin{Source: c.opener.(registry.Source), Host: o.host, Repository: o.repository})
		}
	}
	return lost
}

// pass takes note of bytes that the live reader gave: those never seen before are hashed.
func (b *body) pass(p []byte) {
	b.kept.keep(p, b.liveAt)
	seen := min(int64(len(p)), max(0, b.passed-b.liveAt))
	b.liveAt += int64(len(p))
	if fresh := p[seen:]; len(fresh) > 0 {
		if !b.blind {
			b.hasher.Write(fresh) // never fails, see hash.Hash
		}
		b.passed += int64(len(fresh))
		b.gauge.reach(b.passed)
	}
}

// check returns io.EOF for the right content.
func (b *body) check() error {
	if b.checked || b.blind {
		return io.EOF
	}
	got := fmt.Sprintf("%s:%x", b.blob.Digest.Algorithm, b.hasher.Sum(nil))
	if got != b.blob.Digest.String() {
		return fmt.Errorf("%w: got %s, want %s", registry.ErrDigestMismatch, got, b.blob.Digest)
	}
	b.checked = true
	return io.EOF
}

func (b *body) closeLive() {
	if b.live.ReadCloser != nil {
		_ = b.live.Close()
		b.live = registry.Content{}
	}
}
