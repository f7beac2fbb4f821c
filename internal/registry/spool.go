package registry

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// opener is the part of a Source that reads blobs.
type opener interface {
	Blob(ctx context.Context, repository string, blob v1.Descriptor, offset int64) (io.ReadCloser, error)
}

// place is somewhere a blob can be read.
type place struct {
	source     opener
	repository string
}

// counting is an opener that counts what is fetched from it.
type counting struct {
	opener
	stats *transfer
}

func (c counting) Blob(ctx context.Context, repository string, blob v1.Descriptor, offset int64) (io.ReadCloser, error) {
	content, err := c.opener.Blob(ctx, repository, blob, offset)
	if err != nil {
		return nil, err
	}
	return &countedContent{content, c.stats}, nil
}

type countedContent struct {
	io.ReadCloser
	stats *transfer
}

func (c *countedContent) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.stats.fetched.Add(int64(n))
	return n, err
}

// Rest passes on what the package's Rest says.
func (c *countedContent) Rest() { Rest(c.ReadCloser) }

// Rest tells content that nobody reads it until the next Read, where it wants to know that: a
// source that counts those who read at once gives the place to another meanwhile. Who waits
// for something else without it may wait for ever, for one who waits for that place.
func Rest(content io.Reader) {
	if content, ok := content.(interface{ Rest() }); ok {
		content.Rest()
	}
}

// spool is the Body of one blob: it reads each byte from its places once, checks the
// digest as the bytes pass, and keeps what has passed as its keeper sees fit, so that an
// upload that breaks can be sent again without being fetched again. What is kept lies in
// memory for a small blob and in an unlinked temporary file for a large one; bytes that are
// needed again and were not kept are fetched again.
type spool struct {
	ctx    context.Context
	cancel context.CancelFunc
	blob   v1.Descriptor
	places []place
	stats  *transfer

	mu      sync.Mutex // held while reading: a superseded reader may still be in use
	turn    int        // of the reader that may read
	hasher  hash.Hash
	passed  int64 // bytes read, checked and kept
	kept    keeper
	live    io.ReadCloser
	liveAt  int64
	liveOf  place
	checked bool
	gauge   *gauge  // may be nil
	lost    []place // at which the blob could not be read
	onClose func()
}

// newSpool returns the Body of a blob. Close it.
func newSpool(ctx context.Context, blob v1.Descriptor, places []place, stats *transfer, keep keeper) (*spool, error) {
	hasher, err := v1.Hasher(blob.Digest.Algorithm)
	if err != nil {
		return nil, err
	}
	s := &spool{blob: blob, places: places, stats: stats, hasher: hasher, kept: keep}
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s, nil
}

// From implements Body.
func (s *spool) From(offset int64) (io.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if offset < 0 || offset > s.blob.Size {
		return nil, fmt.Errorf("blob %s: offset %d of %d", s.blob.Digest, offset, s.blob.Size)
	}
	s.turn++
	Rest(s.live)
	return &spoolReader{spool: s, turn: s.turn, at: offset}, nil
}

// fill reads the blob whole, so that sending it needs no place any more.
func (s *spool) fill() error {
	content, err := s.From(0)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, content)
	return err
}

// Close ends reading and forgets what was kept.
func (s *spool) Close() {
	s.cancel() // a reader that is not used any more may still wait for the source
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn++
	s.closeLive()
	s.kept.discard()
	if s.onClose != nil {
		s.onClose()
		s.onClose = nil
	}
}

type spoolReader struct {
	spool *spool
	turn  int
	at    int64
}

func (r *spoolReader) Read(p []byte) (int, error) {
	s := r.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.turn != s.turn {
		return 0, ErrSuperseded
	}
	n, err := s.readAt(p, r.at)
	r.at += int64(n)
	s.stats.sent.Add(int64(n))
	return n, s.explain(err)
}

// explain says that content could not be read where an error does not do so itself: who
// sends it is at the other side.
func (s *spool) explain(err error) error {
	var named *Error
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &named) || s.ctx.Err() != nil {
		return err
	}
	from := s.places[len(s.places)-1]
	return &Error{Op: "reading blob", Side: SideSource, Ref: from.repository + "@" + s.blob.Digest.String(), Err: err}
}

// readAt serves what was kept from there, and everything else from the blob's places.
func (s *spool) readAt(p []byte, at int64) (int, error) {
	if s.kept.holds(at) {
		return s.kept.read(p, at)
	}
	if at == s.blob.Size {
		return 0, s.check()
	}
	if at < s.passed || at == 0 {
		s.begins(at)
	}
	if err := s.seek(at); err != nil {
		return 0, err
	}
	n, err := s.live.Read(p[:min(int64(len(p)), s.blob.Size-at)])
	s.pass(p[:n])
	if err == io.EOF {
		if s.liveAt < s.blob.Size {
			return n, fmt.Errorf("blob %s ended after %d of %d bytes: %w", s.blob.Digest, s.liveAt, s.blob.Size, io.ErrUnexpectedEOF)
		}
		err = nil
	}
	if err != nil && s.ctx.Err() == nil {
		s.closeLive()
		if s.lose(s.liveOf) {
			// The same blob can be had elsewhere: what is wrong with one place must not fail it.
			err = nil
		}
	}
	if err == nil && s.liveAt == s.blob.Size {
		// The last bytes are given out only once the whole is known to be right: an upload
		// that lacks them cannot be taken for complete.
		if err := s.check(); !errors.Is(err, io.EOF) {
			return 0, err
		}
	}
	return n, err
}

// begins gets ready for bytes from offset at on: the first, or such as have been read before.
// Where all comes once more, all is checked anew; of a fetch that begins later, what was seen
// before is not, and the target's own check has to find what differs.
func (s *spool) begins(at int64) {
	if at < s.passed {
		s.kept.rewound(at, s.blob.Size)
	}
	if at == 0 && s.passed > 0 {
		s.hasher.Reset()
		s.passed, s.checked = 0, false
	}
	if s.passed == 0 {
		s.kept.starts(s.blob.Size)
	}
}

// seek makes the live reader stand at offset.
func (s *spool) seek(at int64) error {
	if s.live != nil && s.liveAt == at {
		return nil
	}
	s.closeLive()
	var errs []error
	for _, place := range slices.Clone(s.places) {
		live, err := place.source.Blob(s.ctx, place.repository, s.blob, at)
		if err == nil {
			s.live, s.liveAt, s.liveOf = live, at, place
			return nil
		}
		errs = append(errs, err)
		if s.ctx.Err() != nil {
			break
		}
		s.lose(place)
	}
	if len(errs) == 0 {
		return fmt.Errorf("blob %s: %w in any repository", s.blob.Digest, ErrNotFound)
	}
	return errs[0]
}

// lose gives a place up, and tells whether there is another. The last stays, for errors to
// name it.
func (s *spool) lose(p place) (more bool) {
	s.lost = append(s.lost, p)
	if len(s.places) == 1 {
		return false
	}
	s.places = slices.DeleteFunc(slices.Clone(s.places), func(other place) bool { return other == p })
	return true
}

// lostPlaces are those of the blob's places that were given up, as the plan has them.
func (s *spool) lostPlaces() []place {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lost []place
	for _, p := range s.lost {
		if c, ok := p.source.(counting); ok {
			lost = append(lost, place{c.opener, p.repository})
		}
	}
	return lost
}

// pass takes note of bytes that the live reader gave: those never seen before are hashed.
func (s *spool) pass(p []byte) {
	s.kept.keep(p, s.liveAt)
	seen := min(int64(len(p)), max(0, s.passed-s.liveAt))
	s.liveAt += int64(len(p))
	if fresh := p[seen:]; len(fresh) > 0 {
		s.hasher.Write(fresh) // never fails, see hash.Hash
		s.passed += int64(len(fresh))
		s.gauge.reach(s.passed)
	}
}

// check returns io.EOF for the right content.
func (s *spool) check() error {
	if s.checked {
		return io.EOF
	}
	got := fmt.Sprintf("%s:%x", s.blob.Digest.Algorithm, s.hasher.Sum(nil))
	if got != s.blob.Digest.String() {
		return fmt.Errorf("%w: got %s, want %s", ErrDigestMismatch, got, s.blob.Digest)
	}
	s.checked = true
	return io.EOF
}

func (s *spool) closeLive() {
	if s.live != nil {
		_ = s.live.Close()
		s.live = nil
	}
}
