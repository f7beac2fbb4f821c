package write_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

func TestAnInterruptedSaveGoesOn(t *testing.T) {
	for name, opts := range map[string]write.Options{
		"one file": {Jobs: 2},
		"volumes":  {Jobs: 2, VolumeSize: 5 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			w := bundletest.NewBig(t)
			path := filepath.Join(t.TempDir(), "pg.tar")
			w.CutAfter(4 * bundletest.Big)
			if _, err := write.File(t.Context(), path, &w.Content, w.Fetch, opts); !errors.Is(err, bundletest.ErrCut) {
				t.Fatalf("Write() = %v, want %v", err, bundletest.ErrCut)
			}
			if found, _ := filepath.Glob(path + "*[0-9r]"); len(found) > 0 {
				t.Errorf("the final name is there too early: %v", found)
			}
			w.Spoil = nil
			written, err := write.File(t.Context(), path, &w.Content, w.Fetch, opts)
			if err != nil {
				t.Fatalf("Write(again) = %v", err)
			}
			// What had come since the last line of the journal comes twice, nothing else.
			if again := w.Total() - w.Unique(); again > int64(opts.Jobs)*(write.NoteEvery+files.BufferSize) {
				t.Errorf("%d bytes were fetched twice", again)
			}
			if written.Resumed < bundletest.Big || written.Fetched+written.Resumed != w.Unique() {
				t.Errorf("fetched %d and resumed %d of %d", written.Fetched, written.Resumed, w.Unique())
			}
			b := open(t, path, bundle.OpenOptions{})
			if err := b.Verify(t.Context(), bundle.VerifyOptions{}); err != nil {
				t.Errorf("Verify() = %v", err)
			}
			if rest, _ := filepath.Glob(path + "*partial*"); len(rest) > 0 {
				t.Errorf("left behind: %v", rest)
			}
		})
	}
}

func TestWhatIsWrongInAPartialFileIsFetchedAgain(t *testing.T) {
	w := bundletest.NewBig(t)
	path := filepath.Join(t.TempDir(), "pg.tar")
	w.CutAfter(4 * bundletest.Big)
	if _, err := write.File(t.Context(), path, &w.Content, w.Fetch, write.Options{Jobs: 2}); !errors.Is(err, bundletest.ErrCut) {
		t.Fatal(err)
	}
	w.Spoil = nil
	damage(t, path+".partial", 1<<20)
	damage(t, path+".partial", 3*bundletest.Big+(1<<20))
	if _, err := write.File(t.Context(), path, &w.Content, w.Fetch, write.Options{}); err != nil {
		t.Fatalf("Write() = %v", err)
	}
	if err := open(t, path, bundle.OpenOptions{}).Verify(t.Context(), bundle.VerifyOptions{}); err != nil {
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
	w := bundletest.NewBig(t)
	path := filepath.Join(t.TempDir(), "pg.tar")
	w.CutAfter(w.Unique() - 100_000)
	if _, err := write.File(t.Context(), path, &w.Content, w.Fetch, write.Options{Jobs: 1}); !errors.Is(err, bundletest.ErrCut) {
		t.Fatal(err)
	}
	w.Spoil = nil
	before := w.Total()
	d := w.Image("application/vnd.oci.image.manifest.v1+json", w.Layer(30, 12345))
	w.Artifact(versions.RoleInstance, "postgres-instance", "v15.13-v4.3.1", d)
	told := ""
	written, err := write.File(t.Context(), path, &w.Content, w.Fetch, write.Options{Notice: func(s string) { told += s }})
	if err != nil {
		t.Fatalf("Write() = %v", err)
	}
	if fetched := w.Total() - before; fetched > 500_000 || written.Resumed < 5*bundletest.Big {
		t.Errorf("fetched %d bytes and took over %d", fetched, written.Resumed)
	}
	if told == "" {
		t.Error("nothing was said about the other content")
	}
	if err := open(t, path, bundle.OpenOptions{}).Verify(t.Context(), bundle.VerifyOptions{}); err != nil {
		t.Errorf("Verify() = %v", err)
	}
	if rest, _ := filepath.Glob(path + ".*"); len(rest) != 1 {
		t.Errorf("left behind: %v", rest)
	}
}

func TestTwoSavesDoNotWriteOneFile(t *testing.T) {
	w := bundletest.New(t)
	path := filepath.Join(t.TempDir(), "pg.tar")
	started, stop := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		_, err := write.File(t.Context(), path, &w.Content, func(ctx context.Context, d v1.Descriptor, from, to int64) (registry.Content, error) {
			select {
			case started <- struct{}{}:
				<-stop
			default:
			}
			return w.Fetch(ctx, d, from, to)
		}, write.Options{Jobs: 1})
		first <- err
	}()
	<-started
	if _, err := write.File(t.Context(), path, &w.Content, w.Fetch, write.Options{}); err == nil {
		t.Error("Write() beside another = nil, want an error")
	}
	close(stop)
	if err := <-first; err != nil {
		t.Errorf("the first Write() = %v", err)
	}
}

func TestCancelStopsASaveAtOnce(t *testing.T) {
	w := bundletest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.Spoil = func(_ v1.Descriptor, _ int64, body io.Reader) io.Reader { cancel(); return body }
	path := filepath.Join(t.TempDir(), "pg.tar")
	if _, err := write.File(ctx, path, &w.Content, w.Fetch, write.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Write() = %v, want %v", err, context.Canceled)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a bundle appeared")
	}
}

func TestADiskThatIsTooSmallIsNoticedFirst(t *testing.T) {
	w := bundletest.New(t)
	huge := v1.Descriptor{MediaType: types.OCILayer, Size: 1 << 44, Digest: v1.Hash{Algorithm: "sha256", Hex: bundletest.Sum([]byte("huge"))}}
	w.Artifact(versions.RoleInstance, "postgres-instance", "v16.9-v4.3.1", w.Image(types.OCIManifestSchema1, huge))
	_, err := write.File(t.Context(), filepath.Join(t.TempDir(), "pg.tar"), &w.Content, w.Fetch, write.Options{})
	if err == nil || !strings.Contains(err.Error(), "not enough disk space") {
		t.Errorf("Write() = %v, want the disk to be too small", err)
	}
	if w.Total() != 0 {
		t.Errorf("%d bytes were fetched first", w.Total())
	}
}
