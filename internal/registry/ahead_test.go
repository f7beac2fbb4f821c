package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// rangeSource serves pieces of its content.
type rangeSource struct {
	memorySource
	whole    bool // no ranges
	fail     int64
	requests atomic.Int64
}

func (r *rangeSource) BlobRange(_ context.Context, _ string, _ v1.Descriptor, from, to int64) (io.ReadCloser, bool, error) {
	r.requests.Add(1)
	if r.fail > 0 && from <= r.fail && r.fail < to {
		return nil, false, errors.New("refused")
	}
	if r.whole {
		return io.NopCloser(bytes.NewReader(r.content)), false, nil
	}
	return io.NopCloser(bytes.NewReader(r.content[from:to])), true, nil
}

func TestAhead(t *testing.T) {
	content, blob := randomContent(t, memorySpool+100_000)
	tests := []struct {
		name     string
		source   *rangeSource
		requests int64
		fails    bool
	}{
		{"pieces", &rangeSource{}, 5, false},
		{"a server without ranges", &rangeSource{whole: true}, 1, false},
		{"a piece that fails", &rangeSource{fail: 200_000}, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.source.content = content
			files := &scratch{dir: t.TempDir()}
			defer files.close()
			stats := &transfer{}
			a := newAhead(context.Background(), place{tt.source, ""}, blob, 80_000, files, stats)
			defer a.close()
			for _, offset := range []int64{0, 0, 150_000, blob.Size} {
				r, err := a.Blob(context.Background(), "", blob, offset)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(r)
				if (err != nil) != tt.fails && offset < 200_000 {
					t.Fatalf("reading from %d: error %v", offset, err)
				}
				if err == nil && !bytes.Equal(got, content[offset:]) {
					t.Fatalf("reading from %d gave %d other bytes", offset, len(got))
				}
			}
			if tt.fails {
				return
			}
			if got := tt.source.requests.Load(); got != tt.requests {
				t.Errorf("%d requests, want %d", got, tt.requests)
			}
			if got := stats.fetched.Load(); got != blob.Size {
				t.Errorf("fetched %d bytes, want %d once", got, blob.Size)
			}
		})
	}
}

func TestAheadEndsWithTheContext(t *testing.T) {
	_, blob := randomContent(t, memorySpool+1)
	files := &scratch{dir: t.TempDir()}
	defer files.close()
	ctx, cancel := context.WithCancel(context.Background())
	a := newAhead(ctx, place{&stuckSource{ctx: ctx}, ""}, blob, 80_000, files, &transfer{})
	r, err := a.Blob(ctx, "", blob, 0)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("reading after the end = %v, want context.Canceled", err)
	}
	a.close()
}

// stuckSource never answers.
type stuckSource struct {
	Source
	ctx context.Context
}

func (s *stuckSource) BlobRange(context.Context, string, v1.Descriptor, int64, int64) (io.ReadCloser, bool, error) {
	<-s.ctx.Done()
	return nil, false, context.Cause(s.ctx)
}
