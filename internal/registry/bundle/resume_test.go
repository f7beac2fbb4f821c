package bundle

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

var errCut = errors.New("the line was cut")

// cutAfter cuts all downloads once so many bytes have come in all.
func (w *world) cutAfter(n int64) {
	var left atomic.Int64
	left.Store(n)
	w.spoil = func(_ v1.Descriptor, _ int64, body io.Reader) io.Reader { return &cutReader{body, &left} }
}

type cutReader struct {
	io.Reader
	left *atomic.Int64
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left.Load() <= 0 {
		return 0, errCut
	}
	n, err := c.Reader.Read(p[:min(len(p), 64<<10)])
	c.left.Add(-int64(n))
	return n, err
}

const big = 4 << 20

// bigWorld has layers that are larger than what the journal counts in.
func bigWorld(t *testing.T) *world {
	w := newWorld(t)
	d := w.image("application/vnd.oci.image.manifest.v1+json", w.layer(20, 3*big), w.layer(21, 2*big+77))
	w.artifact(versions.RoleInstance, "postgres-instance", "v16.9-v4.3.1", d)
	return w
}

func TestAnInterruptedSaveGoesOn(t *testing.T) {
	for name, opts := range map[string]WriteOptions{
		"one file": {Jobs: 2},
		"volumes":  {Jobs: 2, VolumeSize: 5 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			w := bigWorld(t)
			path := filepath.Join(t.TempDir(), "pg.tar")
			w.cutAfter(4 * big)
			if _, err := Write(t.Context(), path, &w.content, w.fetch, opts); !errors.Is(err, errCut) {
				t.Fatalf("Write() = %v, want %v", err, errCut)
			}
			if found, _ := filepath.Glob(path + "*[0-9r]"); len(found) > 0 {
				t.Errorf("the final name is there too early: %v", found)
			}
			w.spoil = nil
			written, err := Write(t.Context(), path, &w.content, w.fetch, opts)
			if err != nil {
				t.Fatalf("Write(again) = %v", err)
			}
			// What had come since the last line of the journal comes twice, nothing else.
			if again := w.total() - w.unique(); again > int64(opts.Jobs)*(noteEvery+bufferSize) {
				t.Errorf("%d bytes were fetched twice", again)
			}
			if written.Resumed < big || written.Fetched+written.Resumed != w.unique() {
				t.Errorf("fetched %d and resumed %d of %d", written.Fetched, written.Resumed, w.unique())
			}
			b := open(t, path, OpenOptions{})
			if err := b.Verify(t.Context(), VerifyOptions{}); err != nil {
				t.Errorf("Verify() = %v", err)
			}
			if rest, _ := filepath.Glob(path + "*partial*"); len(rest) > 0 {
				t.Errorf("left behind: %v", rest)
			}
		})
	}
}

func TestWhatIsWrongInAPartialFileIsFetchedAgain(t *testing.T) {
	w := bigWorld(t)
	path := filepath.Join(t.TempDir(), "pg.tar")
	w.cutAfter(4 * big)
	if _, err := Write(t.Context(), path, &w.content, w.fetch, WriteOptions{Jobs: 2}); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	w.spoil = nil
	damage(t, path+".partial", 1<<20)
	damage(t, path+".partial", 3*big+(1<<20))
	if _, err := Write(t.Context(), path, &w.content, w.fetch, WriteOptions{}); err != nil {
		t.Fatalf("Write() = %v", err)
	}
	if err := open(t, path, OpenOptions{}).Verify(t.Context(), VerifyOptions{}); err != nil {
		t.Errorf("Verify() = %v", err)
	}
}

// damage turns over one byte of a file.
func damage(t testing.TB, path string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	one := make([]byte, 1)
	if _, err := f.ReadAt(one, offset); err != nil {
		t.Fatal(err)
	}
	one[0] ^= 0x40
	if _, err := f.WriteAt(one, offset); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherSelectionTakesOverWhatItCan(t *testing.T) {
	w := bigWorld(t)
	path := filepath.Join(t.TempDir(), "pg.tar")
	w.cutAfter(w.unique() - 100_000)
	if _, err := Write(t.Context(), path, &w.content, w.fetch, WriteOptions{Jobs: 1}); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	w.spoil = nil
	before := w.total()
	d := w.image("application/vnd.oci.image.manifest.v1+json", w.layer(30, 12345))
	w.artifact(versions.RoleInstance, "postgres-instance", "v15.13-v4.3.1", d)
	told := ""
	written, err := Write(t.Context(), path, &w.content, w.fetch, WriteOptions{Notice: func(s string) { told += s }})
	if err != nil {
		t.Fatalf("Write() = %v", err)
	}
	if fetched := w.total() - before; fetched > 500_000 || written.Resumed < 5*big {
		t.Errorf("fetched %d bytes and took over %d", fetched, written.Resumed)
	}
	if told == "" {
		t.Error("nothing was said about the other content")
	}
	if err := open(t, path, OpenOptions{}).Verify(t.Context(), VerifyOptions{}); err != nil {
		t.Errorf("Verify() = %v", err)
	}
	if rest, _ := filepath.Glob(path + ".*"); len(rest) != 1 {
		t.Errorf("left behind: %v", rest)
	}
}

func TestTwoSavesDoNotWriteOneFile(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "pg.tar")
	started, stop := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		_, err := Write(t.Context(), path, &w.content, func(ctx context.Context, d v1.Descriptor, from, to int64) (registry.Content, error) {
			select {
			case started <- struct{}{}:
				<-stop
			default:
			}
			return w.fetch(ctx, d, from, to)
		}, WriteOptions{Jobs: 1})
		first <- err
	}()
	<-started
	if _, err := Write(t.Context(), path, &w.content, w.fetch, WriteOptions{}); err == nil {
		t.Error("Write() beside another = nil, want an error")
	}
	close(stop)
	if err := <-first; err != nil {
		t.Errorf("the first Write() = %v", err)
	}
}

func TestCancelStopsASaveAtOnce(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.spoil = func(_ v1.Descriptor, _ int64, body io.Reader) io.Reader { cancel(); return body }
	path := filepath.Join(t.TempDir(), "pg.tar")
	if _, err := Write(ctx, path, &w.content, w.fetch, WriteOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Write() = %v, want %v", err, context.Canceled)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a bundle appeared")
	}
}

func TestADiskThatIsTooSmallIsNoticedFirst(t *testing.T) {
	w := newWorld(t)
	huge := v1.Descriptor{MediaType: types.OCILayer, Size: 1 << 55, Digest: v1.Hash{Algorithm: "sha256", Hex: sum([]byte("huge"))}}
	w.artifact(versions.RoleInstance, "postgres-instance", "v16.9-v4.3.1", w.image(types.OCIManifestSchema1, huge))
	_, err := Write(t.Context(), filepath.Join(t.TempDir(), "pg.tar"), &w.content, w.fetch, WriteOptions{})
	if err == nil || !strings.Contains(err.Error(), "not enough disk space") {
		t.Errorf("Write() = %v, want the disk to be too small", err)
	}
	if w.total() != 0 {
		t.Errorf("%d bytes were fetched first", w.total())
	}
}
