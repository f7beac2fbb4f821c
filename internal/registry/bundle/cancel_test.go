package bundle

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
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
				_, err := OpenReader(ctx, stopping{r, cancel}, OpenOptions{SpoolDir: t.TempDir()})
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
