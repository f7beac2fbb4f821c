package archive

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
)

// TestLargeNumbersOfNamesAreBounded, together and in every kind of archive: they are what is kept of one.
func TestLargeNumbersOfNamesAreBounded(t *testing.T) {
	var many []bundletest.Item
	for i := range maxNames/maxName + 100 {
		many = append(many, bundletest.Regular(fmt.Sprintf("operator/%04d%s", i, strings.Repeat("/x", maxName/2-20)), nil))
	}
	body := bundletest.Pack(t, many)
	inner := bundletest.Pack(t, []bundletest.Item{bundletest.Regular("images/a.tar", bundletest.Pack(t, many[:1200])), bundletest.Regular("images/b.tar", bundletest.Pack(t, many[1200:]))})
	for name, body := range map[string][]byte{
		"tar": body, "compressed": bundletest.Compress(t, body), "archives in a compressed one": bundletest.Compress(t, inner),
	} {
		if err := use(t, body); err == nil || !strings.Contains(err.Error(), "names of more than") {
			t.Errorf("Open(%s) = %v, want too many names", name, err)
		}
	}
	folder := t.TempDir()
	deep := filepath.Join(folder, strings.Repeat("e", 250), strings.Repeat("f", 250), strings.Repeat("g", 250))
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range maxNames / 750 {
		if err := os.WriteFile(filepath.Join(deep, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := useFile(t, folder); err == nil || !strings.Contains(err.Error(), "names of more than") {
		t.Errorf("Open(folder) = %v, want too many names", err)
	}
	if need := maxEntries * len("blobs/sha256/"+bundletest.Sum(nil)); need > maxNames {
		t.Errorf("as many blobs as a bundle may hold have names of %d bytes, and %d are allowed", need, maxNames)
	}
}
