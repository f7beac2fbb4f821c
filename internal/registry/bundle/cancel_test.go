package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
)

var errStop = errors.New("somebody pressed a key")

// endless is a pipe that never comes to its end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// stopping is a pipe whose user has had enough as soon as it is read from.
type stopping struct {
	io.Reader
	stop context.CancelCauseFunc
}

func (s stopping) Read(p []byte) (int, error) {
	s.stop(errStop)
	return s.Reader.Read(p)
}

// TestOpeningCanBeStopped: from a pipe that is silent, or endless, once somebody has had enough.
func TestOpeningCanBeStopped(t *testing.T) {
	silent, keep := io.Pipe()
	defer keep.Close()
	for name, r := range map[string]io.Reader{"silent": silent, "endless": endless{}} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			got := make(chan error, 1)
			go func() {
				_, err := OpenReader(ctx, stopping{r, cancel}, OpenOptions{TempDir: t.TempDir()})
				got <- err
			}()
			select {
			case err := <-got:
				if !errors.Is(err, errStop) {
					t.Errorf("OpenReader() = %v, want %v", err, errStop)
				}
			case <-time.After(soon):
				t.Fatalf("OpenReader() goes on %v after it was stopped", soon)
			}
		})
	}
}

// TestOpenHeedsItsContext in every format that it reads.
func TestOpenHeedsItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStop)
	folder := t.TempDir()
	bodies, top := ladder(1, 1)
	layout := layoutWith(t, []v1.Descriptor{named(top, "quay.example.com/team/tool:v1")}, bodies...)
	unpackInto(t, filepath.Join(folder, "folder"), layout)
	for name, body := range map[string][]byte{
		"layout": layout, "docker": bundletest.DockerArchive(t, "registry.example.com/a/b:c"),
		"download": bundletest.Download(t), "compressed": bundletest.Compress(t, bundletest.Download(t)),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"layout", "docker", "download", "compressed", "folder"} {
		path := filepath.Join(folder, name)
		if _, err := Open(ctx, path, OpenOptions{}); !errors.Is(err, errStop) {
			t.Errorf("Open(%s) = %v, want %v", name, err, errStop)
		}
		b, err := Open(t.Context(), path, OpenOptions{})
		if err != nil {
			t.Errorf("Open(%s) = %v", name, err)
			continue
		}
		b.Close()
	}
}

func unpackInto(t *testing.T, folder string, body []byte) {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(archive, body, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, i := range bundletest.Unpack(t, archive) {
		path := filepath.Join(folder, i.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, i.Body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// stopsAfter is a context whose user has had enough once somebody has asked it so many times.
type stopsAfter struct {
	context.Context
	left atomic.Int64
	stop context.CancelCauseFunc
}

func (s *stopsAfter) Err() error {
	if s.left.Add(-1) == 0 {
		s.stop(errStop)
	}
	return s.Context.Err()
}

// zeros are gigabytes in a megabyte, as an entry of a tar or in the place of what follows one.
func zeros(t *testing.T, name string, size int64) []byte {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	entries := tar.NewWriter(z)
	if err := entries.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size}); err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 1<<20); size > 0; size -= int64(len(block)) {
		if _, err := entries.Write(block[:min(size, int64(len(block)))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(entries.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// TestLargeUnpackingCanBeStopped in the midst of an entry, however much comes out of it.
func TestLargeUnpackingCanBeStopped(t *testing.T) {
	for _, name := range []string{"blobs/sha256/" + strings.Repeat("0", 64), "images/a.tar"} {
		path := filepath.Join(t.TempDir(), "bomb.tar.gz")
		if err := os.WriteFile(path, zeros(t, name, 64<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		inner, stop := context.WithCancelCause(t.Context())
		ctx := &stopsAfter{Context: inner, stop: stop}
		ctx.left.Store(100) // of the two thousand times that 64 MiB take
		if _, err := Open(ctx, path, OpenOptions{TempDir: t.TempDir()}); !errors.Is(err, errStop) {
			t.Errorf("Open(%s) = %v, want %v", name, err, errStop)
		}
		if asked := -ctx.left.Load(); asked > 20 {
			t.Errorf("Open(%s) went on for %d more pieces after it was stopped", name, asked)
		}
	}
}
