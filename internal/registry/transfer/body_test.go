package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// memorySource serves blobs from memory and counts what is read of them.
type memorySource struct {
	registry.Source
	content []byte
	read    atomic.Int64
	// broken ends every reader with this error after half the content.
	broken error
}

func (m *memorySource) Blob(_ context.Context, _ string, _ v1.Descriptor, from, _ int64) (registry.Content, error) {
	return registry.Content{ReadCloser: io.NopCloser(&countedReader{source: m, content: bytes.NewReader(m.content[from:])})}, nil
}

type countedReader struct {
	source  *memorySource
	content *bytes.Reader
}

func (r *countedReader) Read(p []byte) (int, error) {
	if r.source.broken != nil && r.content.Len() <= len(r.source.content)/2 {
		return 0, r.source.broken
	}
	n, err := r.content.Read(p[:min(len(p), 1000)])
	r.source.read.Add(int64(n))
	return n, err
}

func randomContent(t *testing.T, size int) ([]byte, v1.Descriptor) {
	t.Helper()
	content := make([]byte, size)
	generator := rand.New(rand.NewPCG(1, 2))
	for i := range content {
		content[i] = byte(generator.Uint32())
	}
	digest, length, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return content, v1.Descriptor{Digest: digest, Size: length}
}

func openBody(t *testing.T, blob v1.Descriptor, keep buffer, sources ...registry.Source) *body {
	t.Helper()
	var places []origin
	for _, source := range sources {
		places = append(places, origin{source, "", "repository"})
	}
	s, err := newBody(context.Background(), blob, places, &traffic{}, keep)
	if err != nil {
		t.Fatal(err)
	}
	s.gauge = &gauge{meter: &registry.Meter{}}
	t.Cleanup(s.Close)
	return s
}

func bufferIn(t *testing.T, dir string, size int64) buffer {
	t.Helper()
	files := &tempFiles{dir: dir}
	t.Cleanup(files.close)
	return files.buffer(size)
}

func TestBodySendsAgainWithoutFetchingAgain(t *testing.T) {
	tests := []struct {
		name string
		size int
		keep func(size int64) buffer
		// again is how many bytes are fetched a second time.
		again int64
	}{
		{"memory", 10_000, func(n int64) buffer { return bufferIn(t, t.TempDir(), n) }, 0},
		{"file", memoryBody + 10_000, func(n int64) buffer { return bufferIn(t, t.TempDir(), n) }, 0},
		{"nowhere to keep", 10_000, func(int64) buffer { return buffer{} }, 4_000},
		{"no such folder", memoryBody + 10_000, func(n int64) buffer { return bufferIn(t, filepath.Join(t.TempDir(), "none"), n) }, 4_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			content, blob := randomContent(t, tt.size)
			source := &memorySource{content: content}
			s := openBody(t, blob, tt.keep(blob.Size), source)

			first, err := s.From(0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.CopyN(io.Discard, first, 5_000); err != nil {
				t.Fatal(err)
			}
			second, err := s.From(1_000)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(second)
			if err != nil || !bytes.Equal(got, content[1_000:]) {
				t.Fatalf("reading from 1000 again: %d bytes, error %v", len(got), err)
			}
			if _, err := first.Read(make([]byte, 1)); !errors.Is(err, registry.ErrSuperseded) {
				t.Errorf("the first reader goes on with error %v, want registry.ErrSuperseded", err)
			}
			if got, want := source.read.Load(), blob.Size+tt.again; got != want {
				t.Errorf("read %d bytes at the source, want %d", got, want)
			}
			if got := s.gauge.meter.BytesDone.Load(); got != blob.Size {
				t.Errorf("progress says %d bytes, want %d", got, blob.Size)
			}
		})
	}
}

func TestBodyRefusesWrongContent(t *testing.T) {
	for _, size := range []int{10, memoryBody * 2} {
		content, blob := randomContent(t, size)
		content[size/2]++
		s := openBody(t, blob, bufferIn(t, t.TempDir(), blob.Size), &memorySource{content: content})
		r, err := s.From(0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if !errors.Is(err, registry.ErrDigestMismatch) || int64(len(got)) == blob.Size {
			t.Errorf("reading %d wrong bytes gave %d and error %v, want fewer and registry.ErrDigestMismatch", size, len(got), err)
		}
	}
}

func TestBodyRefusesShortContent(t *testing.T) {
	content, blob := randomContent(t, 5_000)
	s := openBody(t, blob, bufferIn(t, t.TempDir(), blob.Size), &memorySource{content: content[:4_000]})
	r, err := s.From(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("reading a short blob ended with %v, want io.ErrUnexpectedEOF", err)
	}
}

func TestBodyGoesOnElsewhere(t *testing.T) {
	content, blob := randomContent(t, 20_000)
	broken := &memorySource{content: content, broken: errors.New("gone")}
	s := openBody(t, blob, bufferIn(t, t.TempDir(), blob.Size), broken, &memorySource{content: content})
	r, err := s.From(0)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
		t.Errorf("reading from a broken and a good origin gave %d bytes and error %v", len(got), err)
	}
}

func TestBodyReportsTheSource(t *testing.T) {
	content, blob := randomContent(t, 20_000)
	gone := errors.New("gone")
	s := openBody(t, blob, bufferIn(t, t.TempDir(), blob.Size), &memorySource{content: content, broken: gone})
	r, err := s.From(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, gone) {
		t.Errorf("the error is %v, want %v", err, gone)
	}
}

// flaky is a side that may have had trouble.
type flaky struct {
	registry.Source
	troubled bool
}

func (f flaky) Troubled() bool { return f.troubled }

func TestBodyKeepsOnceThereIsTrouble(t *testing.T) {
	content, blob := randomContent(t, memoryBody+10_000)
	files := &tempFiles{dir: t.TempDir(), sides: []registry.Source{flaky{}}}
	t.Cleanup(files.close)
	// rewind reads up to 5000, and the rest from there on twice.
	rewind := func(s *body, offset int64) {
		t.Helper()
		for _, from := range []int64{0, offset, offset} {
			r, err := s.From(from)
			if err != nil {
				t.Fatal(err)
			}
			if from > 0 { // as who waits before it asks the target where the upload stands
				_, _ = s.From(0)
				r, _ = s.From(from)
			}
			if from == 0 {
				_, err = io.CopyN(io.Discard, r, 5_000)
			} else if got, readErr := io.ReadAll(r); !bytes.Equal(got, content[from:]) {
				err = errors.Join(readErr, errors.New("other content"))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name  string
		again int64
	}{{"calm", 4_000}, {"troubled since", 0}} {
		source := &memorySource{content: content}
		s := openBody(t, blob, files.lazyBuffer(blob.Size), source)
		rewind(s, 1_000)
		if got, want := source.read.Load(), blob.Size+tt.again; got != want {
			t.Errorf("%s: read %d bytes at the source, want %d", tt.name, got, want)
		}
	}

	elsewhere := &tempFiles{dir: t.TempDir(), sides: []registry.Source{flaky{}, flaky{troubled: true}}}
	t.Cleanup(elsewhere.close)
	source := &memorySource{content: content}
	rewind(openBody(t, blob, elsewhere.lazyBuffer(blob.Size), source), 1_000)
	if got := source.read.Load(); got != blob.Size {
		t.Errorf("where a side is troubled, %d bytes were read, want %d", got, blob.Size)
	}
}

// What the target has lost whole is fetched again, and checked again.
func TestBodyChecksWhatIsFetchedAgain(t *testing.T) {
	content, blob := randomContent(t, memoryBody+10_000)
	files := &tempFiles{dir: t.TempDir()}
	t.Cleanup(files.close)
	source := &memorySource{content: content}
	s := openBody(t, blob, files.lazyBuffer(blob.Size), source)
	for i, want := range []error{nil, registry.ErrDigestMismatch} {
		r, err := s.From(0)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); !errors.Is(err, want) || (int64(len(got)) == blob.Size) != (want == nil) {
			t.Errorf("fetch %d gave %d of %d bytes and error %v, want %v", i+1, len(got), blob.Size, err, want)
		}
		source.content = append([]byte{content[0] + 1}, content[1:]...)
	}
}
