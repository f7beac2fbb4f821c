//go:build unix

package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A file is read whole or refused, whatever it claims to be; a pipe that nobody writes to is
// waited for until the end of the context, and no longer.
func TestReadSmall(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "file")
	if err := os.WriteFile(name, []byte(strings.Repeat("x", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	silent, pipe := filepath.Join(folder, "silent"), filepath.Join(folder, "pipe")
	for _, name := range []string{silent, pipe} {
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name, path string
		most       int64
		want       error
	}{
		{"whole", name, 1000, nil},
		{"too large", name, 999, ErrTooLarge},
		{"missing", name + "x", 1000, fs.ErrNotExist},
		{"a device", "/dev/zero", 1000, ErrIrregular},
		{"a folder", folder, 1000, syscall.EISDIR},
	}
	for _, tt := range tests {
		for way, read := range map[string]func() ([]byte, error){
			"ReadSmall":   func() ([]byte, error) { return ReadSmall(t.Context(), tt.path, tt.most) },
			"ReadRegular": func() ([]byte, error) { return ReadRegular(tt.path, tt.most) },
		} {
			if body, err := read(); !errors.Is(err, tt.want) || err == nil && len(body) != 1000 {
				t.Errorf("%s: %s() = %d bytes, %v, want %v", tt.name, way, len(body), err, tt.want)
			}
		}
	}
	if _, err := ReadRegular(pipe, 1000); !errors.Is(err, ErrIrregular) {
		t.Errorf("ReadRegular(pipe) = %v, want ErrIrregular", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := ReadSmall(ctx, silent, 1000); !errors.Is(err, stopped) {
		t.Errorf("ReadSmall(silent pipe) = %v, want %v", err, stopped)
	}
	go func() {
		if f, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil {
			_, _ = f.WriteString("spoken")
			_ = f.Close()
		}
	}()
	if body, err := ReadSmall(t.Context(), pipe, 1000); string(body) != "spoken" || err != nil {
		t.Errorf("ReadSmall(pipe) = %q, %v, want what was written", body, err)
	}
}

// A device is no file that --overwrite could replace, and it does not say so.
func TestNothingReplacesADevice(t *testing.T) {
	for _, replace := range []bool{false, true} {
		if err := CheckFree(os.DevNull, replace); !errors.Is(err, ErrIrregular) {
			t.Errorf("CheckFree(%s, %v) = %v, want %v", os.DevNull, replace, err, ErrIrregular)
		}
	}
}
