package archive

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
)

// use opens an archive.
func use(t testing.TB, body []byte) error {
	t.Helper()
	return useFile(t, bundletest.File(t, body))
}

func useFile(t testing.TB, path string) error {
	t.Helper()
	a, err := Open(t.Context(), path, Options{TempDir: t.TempDir()})
	if err != nil {
		return err
	}
	return a.Close()
}

func TestSparseAndAbsurdSizes(t *testing.T) {
	sparse := bundletest.Pack(t, []bundletest.Item{bundletest.Regular("x", nil)})
	copy(sparse[156:], "S") // the old GNU type of a sparse file
	bundletest.Rehead(sparse[:block])
	absurd := bundletest.Pack(t, []bundletest.Item{bundletest.Regular("blobs/sha256/"+strings.Repeat("a", 64), []byte("x"))})
	copy(absurd[124:136], "77777777777\x00")
	bundletest.Rehead(absurd[:block])
	pax := paxSparse(t)
	for name, body := range map[string][]byte{"sparse": sparse, "absurd": absurd, "pax sparse": pax} {
		if err := use(t, body); err == nil {
			t.Errorf("Open(%s) = nil, want an error", name)
		}
	}
	if err := use(t, absurd); !errors.Is(err, ErrTruncated) {
		t.Errorf("Open(absurd) = %v, want %v", err, ErrTruncated)
	}
}

// paxSparse claims a file of an exbibyte that takes no room.
func paxSparse(t testing.TB) []byte {
	record := func(k, v string) string {
		n := len(k) + len(v) + 3
		for n != len(fmt.Sprint(n))+len(k)+len(v)+3 {
			n = len(fmt.Sprint(n)) + len(k) + len(v) + 3
		}
		return fmt.Sprintf("%d %s=%s\n", n, k, v)
	}
	body := record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") +
		record("GNU.sparse.name", "blobs/sha256/x") + record("GNU.sparse.realsize", "1152921504606846976")
	items := bundletest.Pack(t, []bundletest.Item{bundletest.Regular("PaxHeaders/x", []byte(body)), bundletest.Regular("x", make([]byte, block))})
	items[156] = 'x'
	bundletest.Rehead(items[:block])
	return items
}

func TestCompressedBombs(t *testing.T) {
	huge := bundletest.Pack(t, []bundletest.Item{bundletest.Regular("d/images/x.tar", nil)})
	copy(huge[124:136], "77777777777\x00")
	bundletest.Rehead(huge[:block])
	if err := use(t, bundletest.Compress(t, huge)); err == nil {
		t.Error("a file of 8 GiB that is not there = nil, want an error")
	}
	claim := bundletest.Pack(t, []bundletest.Item{bundletest.Regular("d/x", nil)})
	copy(claim[124:136], []byte{0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	bundletest.Rehead(claim[:block])
	if err := use(t, bundletest.Compress(t, claim)); err == nil || !strings.Contains(err.Error(), "not enough disk space") {
		t.Errorf("a file larger than the disk = %v, want it refused before it is written", err)
	}
	tail := append(bundletest.DockerArchive(t, "registry.example.com/a/b:c"), make([]byte, 8<<20)...)
	if err := use(t, bundletest.Compress(t, tail)); err == nil || !strings.Contains(err.Error(), "follow the end") {
		t.Errorf("megabytes after the end = %v, want an error", err)
	}
	if err := use(t, append(bundletest.DockerArchive(t, "registry.example.com/a/b:c"), make([]byte, 10<<10)...)); err != nil {
		t.Errorf("a tar that is filled up with zeros = %v, want none", err)
	}
	whole := bundletest.Compress(t, bundletest.Download(t))
	for _, size := range []int{5, 30, len(whole) / 2, len(whole) - 4} {
		if err := use(t, whole[:size]); err == nil {
			t.Errorf("%d of %d compressed bytes = nil, want an error", size, len(whole))
		}
	}
	whole[len(whole)-6] ^= 1 // the checksum
	if err := use(t, whole); err == nil {
		t.Error("a wrong checksum = nil, want an error")
	}
}

// What follows the end of an archive is checked by nobody, and is no part of it.
func TestWhatFollowsTheEnd(t *testing.T) {
	good := bundletest.DockerArchive(t, "registry.example.com/a/b:c")
	for name, behind := range map[string][]byte{
		"one byte":                 {1},
		"a byte behind many zeros": append(make([]byte, 100_000), 1),
		"a second archive":         good,
	} {
		whole := append(slices.Clone(good), behind...)
		for _, body := range [][]byte{whole, bundletest.Compress(t, whole)} {
			if err := use(t, body); err == nil || !strings.Contains(err.Error(), "something follows the end") {
				t.Errorf("Open() of an archive with %s behind it = %v, want an error that says so", name, err)
			}
		}
	}
}

// What another tool has compressed is called by its name.
func TestCompressedByOtherTools(t *testing.T) {
	for tool, head := range map[string]string{
		"xz": "\xfd7zXZ\x00", "zstd": "\x28\xb5\x2f\xfd", "bzip2": "BZh91AY", "zip": "PK\x03\x04",
	} {
		body := append([]byte(head), make([]byte, 4*block)...)
		if err := use(t, body); !errors.Is(err, ErrNoArchive) || !strings.Contains(err.Error(), "written by "+tool) {
			t.Errorf("Open() of what %s wrote = %v, want %v that says so", tool, err, ErrNoArchive)
		}
	}
}
