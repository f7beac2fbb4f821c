//go:build unix

package write_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
)

// A bundle takes the place of no device and of no pipe, whatever may be overwritten.
func TestNoDeviceIsOverwritten(t *testing.T) {
	w := bundletest.New(t)
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, opts := range []write.Options{{}, {Overwrite: true}} {
		if err := write.Check(path, opts); !errors.Is(err, files.ErrIrregular) {
			t.Errorf("Check(%+v) = %v, want %v", opts, err, files.ErrIrregular)
		}
		if _, err := write.File(t.Context(), path, &w.Content, w.Fetch, opts); !errors.Is(err, files.ErrIrregular) {
			t.Errorf("File(%+v) = %v, want %v", opts, err, files.ErrIrregular)
		}
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().IsRegular() {
		t.Errorf("the pipe is %v now, %v", info.Mode(), err)
	}
}
