package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// rangeSource serves pieces of its content.
type rangeSource struct {
	memorySource
	whole    bool // no ranges
	fail     int64
	requests atomic.Int64
}

func (r *rangeSource) Blob(_ context.Context, _ string, _ v1.Descriptor, from, to int64) (registry.Content, error) {
	r.requests.Add(1)
	if r.fail > 0 && from <= r.fail && r.fail < to {
		return registry.Content{}, errors.New("refused")
	}
	if r.whole {
		return registry.Content{ReadCloser: io.NopCloser(bytes.NewReader(r.content)), Whole: true}, nil
	}
	return registry.Content{ReadCloser: io.NopCloser(bytes.NewReader(r.content[from:to]))}, nil
}

func TestParallelDownload(t *testing.T) {
	content, blob := randomContent(t, memoryBody+100_000)
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
			files := &tempFiles{dir: t.TempDir()}
			defer files.close()
			stats := &traffic{}
			a := newParallel(context.Background(), origin{tt.source, "", ""}, blob, 80_000, files, stats)
			defer a.close()
			for _, offset := range []int64{0, 0, 150_000, blob.Size} {
				r, err := a.Blob(context.Background(), "", blob, offset, blob.Size)
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

func TestParallelDownloadEndsWithTheContext(t *testing.T) {
	_, blob := randomContent(t, memoryBody+1)
	files := &tempFiles{dir: t.TempDir()}
	defer files.close()
	ctx, cancel := context.WithCancel(context.Background())
	a := newParallel(ctx, origin{&stuckSource{ctx: ctx}, "", ""}, blob, 80_000, files, &traffic{})
	r, err := a.Blob(ctx, "", blob, 0, blob.Size)
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
	registry.Source
	ctx context.Context
}

func (s *stuckSource) Blob(context.Context, string, v1.Descriptor, int64, int64) (registry.Content, error) {
	<-s.ctx.Done()
	return registry.Content{}, context.Cause(s.ctx)
}
