package bundle

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
)

// TestNothingUnsignedIsRead: with a key, what is not signed is refused by the names of its files.
// Reading any of these would fail otherwise, or need a folder that is not there.
func TestNothingUnsignedIsRead(t *testing.T) {
	_, public, err := NewKeys("")
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Repeat([]byte("{"), 1<<20)
	tar := func(names ...string) []byte {
		var items []bundletest.Item
		for _, name := range names {
			items = append(items, bundletest.Regular(name, broken))
		}
		return bundletest.Pack(t, items)
	}
	folder := t.TempDir()
	for _, name := range []string{imagelayout.VersionFile, imagelayout.IndexFile} {
		if err := os.WriteFile(filepath.Join(folder, name), broken, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opts := OpenOptions{PublicKey: string(public), TempDir: filepath.Join(folder, "nosuch")}
	for name, body := range map[string][]byte{
		"layout": tar(imagelayout.VersionFile, imagelayout.IndexFile), "docker": tar(imagelayout.DockerFile),
		"download": tar("d/images/x.tar"), "no signature": tar(imagelayout.VersionFile, imagelayout.IndexFile, write.LockFile),
		"no lock":    tar(imagelayout.VersionFile, imagelayout.IndexFile, write.SignatureFile),
		"compressed": bundletest.Compress(t, tar(imagelayout.VersionFile, imagelayout.IndexFile, write.LockFile, write.SignatureFile)),
	} {
		path := filepath.Join(t.TempDir(), "bundle.tar")
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), path, opts)
		if !errors.Is(err, ErrSignature) || errors.Is(err, archive.ErrPacked) != (name == "compressed") {
			t.Errorf("Open(%s) = %v, want ErrSignature, and ErrPacked of a compressed one", name, err)
		}
	}
	if _, err := Open(t.Context(), folder, opts); !errors.Is(err, ErrSignature) {
		t.Errorf("Open(folder) = %v, want ErrSignature", err)
	}
}
