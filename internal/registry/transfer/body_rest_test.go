package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Of a blob of which the target has the beginning only the rest is fetched, and kept as always.
func TestBodyReadsTheRestOnly(t *testing.T) {
	content, blob := randomContent(t, memoryBody+100_000)
	source := &memorySource{content: content}
	files := &tempFiles{dir: t.TempDir()}
	t.Cleanup(files.close)
	files.resent.Store(true) // a run with trouble
	s := openBody(t, blob, files.lazyBuffer(blob.Size), source)
	const from = 200_000
	for _, offset := range []int64{from, from + 10_000} {
		rest, err := s.From(offset)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(rest); err != nil || !bytes.Equal(got, content[offset:]) {
			t.Fatalf("reading from %d gave %d bytes, error %v", offset, len(got), err)
		}
	}
	if got, want := source.read.Load(), blob.Size-from; got != want {
		t.Errorf("read %d bytes at the source, want %d", got, want)
	}
	if got := s.gauge.meter.BytesDone.Load(); got != blob.Size {
		t.Errorf("progress says %d bytes, want %d", got, blob.Size)
	}
}

// Whether the rest belongs to what the target has is for the target to find out. Where it says
// that it does not, and all is read after all, all is checked.
func TestBodyOfWhichTheBeginningIsReadLater(t *testing.T) {
	content, blob := randomContent(t, 100_000)
	blob.Digest = v1.Hash{Algorithm: "sha256", Hex: blob.Digest.Hex[1:] + "0"}
	s := openBody(t, blob, buffer{}, &memorySource{content: content})
	rest, err := s.From(50_000)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(rest); err != nil || !bytes.Equal(got, content[50_000:]) {
		t.Fatalf("reading from 50000 gave %d bytes, error %v", len(got), err)
	}
	whole, err := s.From(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(whole); !errors.Is(err, registry.ErrDigestMismatch) {
		t.Errorf("reading all = %v, want ErrDigestMismatch", err)
	}
}

// A download in pieces begins where the target stands. What is before that cannot be had of it.
func TestParallelDownloadOfTheRest(t *testing.T) {
	content, blob := randomContent(t, memoryBody+100_000)
	source := &rangeSource{memorySource: memorySource{content: content}}
	files := &tempFiles{dir: t.TempDir()}
	defer files.close()
	stats := &traffic{}
	a := newParallel(context.Background(), origin{source, "", ""}, blob, 80_000, files, stats)
	defer a.close()
	s := openBody(t, blob, buffer{}, &parallelSource{d: a}, &memorySource{content: content})
	const from = 150_000
	for _, offset := range []int64{from, from + 100_000, 100_000, 0} {
		r, err := s.From(offset)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content[offset:]) {
			t.Fatalf("reading from %d gave %d bytes, error %v", offset, len(got), err)
		}
		if got, want := stats.fetched.Load(), blob.Size-from; got != want {
			t.Errorf("fetched %d bytes in pieces once %d was asked for, want %d", got, offset, want)
		}
	}
}

// parallelSource is a download in pieces as a source.
type parallelSource struct {
	registry.Source
	d *parallelDownload
}

func (p *parallelSource) Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	return p.d.Blob(ctx, repository, blob, from, to)
}

// A source that serves no ranges reads all that is before a piece: one is enough.
func TestParallelDownloadOfTheRestWithoutRanges(t *testing.T) {
	content, blob := randomContent(t, memoryBody+100_000)
	source := &skippingSource{rangeSource{memorySource: memorySource{content: content}}}
	files := &tempFiles{dir: t.TempDir()}
	defer files.close()
	a := newParallel(context.Background(), origin{source, "", ""}, blob, 10_000, files, &traffic{})
	defer a.close()
	s := openBody(t, blob, buffer{}, &parallelSource{d: a}, &memorySource{content: content})
	r, err := s.From(150_000)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content[150_000:]) {
		t.Fatalf("reading from 150000 gave %d bytes, error %v", len(got), err)
	}
	if got := source.requests.Load(); got != 1 {
		t.Errorf("%d pieces were asked for, want 1", got)
	}
}

type skippingSource struct{ rangeSource }

func (s *skippingSource) Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	content, err := s.rangeSource.Blob(ctx, repository, blob, from, to)
	content.Skipped = from > 0
	return content, err
}
