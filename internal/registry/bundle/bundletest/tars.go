package bundletest

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Item is one entry of a tar that a test takes apart and puts together.
type Item struct {
	tar.Header
	Body []byte
}

// Unpack are the entries of the tar in a file.
func Unpack(t testing.TB, path string) []Item {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []Item
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Item{*h, body})
	}
}

// Pack makes a tar.
func Pack(t testing.TB, items []Item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, i := range items {
		if i.Typeflag == tar.TypeReg {
			i.Size = int64(len(i.Body))
		}
		if err := w.WriteHeader(&i.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(i.Body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// File writes what may be a bundle to a file of the test's own.
func File(t testing.TB, body []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Regular is the entry of a regular file.
func Regular(name string, body []byte) Item {
	return Item{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, body}
}

// Link is the entry of a link, or of what else has no content.
func Link(name string, kind byte, target string) Item {
	return Item{tar.Header{Name: name, Typeflag: kind, Linkname: target}, nil}
}

// Rehead mends the checksum of a tar header.
func Rehead(h []byte) {
	copy(h[148:156], "        ")
	n := 0
	for _, c := range h {
		n += int(c)
	}
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", n))
}

// Sum is a SHA-256 in hex.
func Sum(b []byte) string {
	digest, _, _ := v1.SHA256(bytes.NewReader(b))
	return digest.Hex
}
