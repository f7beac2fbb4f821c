package transfer

import (
	"context"
	"errors"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/pieces"
)

// Once the reader has turned to another origin, the pieces that are left are not fetched.
func TestParallelDownloadEndsWithItsReader(t *testing.T) {
	content, blob := randomContent(t, memoryBody+100_000)
	source := &gatedSource{rangeSource: rangeSource{memorySource: memorySource{content: content}}, more: make(chan struct{})}
	files := &tempFiles{dir: t.TempDir()}
	defer files.close()
	a := newParallel(context.Background(), origin{source, "", ""}, blob, 10_000, files, &traffic{})
	r, err := a.Blob(context.Background(), "", blob, 0, blob.Size)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, errGone) {
		t.Fatalf("reading a piece that fails = %v, want %v", err, errGone)
	}
	close(source.more)
	a.close()
	if got := source.requests.Load(); got > 2*pieces.AtOnce {
		t.Errorf("%d pieces were asked for, want no more once the reader had failed", got)
	}
}

var errGone = errors.New("gone")

// gatedSource fails its second piece, and gives those behind it once it may.
type gatedSource struct {
	rangeSource
	more chan struct{}
}

func (g *gatedSource) Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	if from == 10_000 {
		return registry.Content{}, errGone
	}
	if from > 10_000 {
		select {
		case <-g.more:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		g.requests.Add(1)
		return registry.Content{}, context.Cause(ctx)
	}
	return g.rangeSource.Blob(ctx, repository, blob, from, to)
}
