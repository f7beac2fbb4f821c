package write_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
)

// open opens a bundle that was written.
func open(t testing.TB, path string, opts bundle.OpenOptions) *bundle.Bundle {
	t.Helper()
	b, err := bundle.Open(t.Context(), path, opts)
	if err != nil {
		t.Fatalf("Open(%s) = %v", path, err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// use opens a bundle and verifies it.
func use(t testing.TB, body []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(t.Context(), path, bundle.OpenOptions{TempDir: t.TempDir()})
	if err != nil {
		return err
	}
	defer b.Close()
	return b.Verify(t.Context(), bundle.VerifyOptions{})
}
