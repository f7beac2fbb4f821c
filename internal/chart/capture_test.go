package chart

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// oneBlob is a source that gives the same bytes for every blob, in small portions.
type oneBlob struct {
	registry.Source
	content []byte
	permit  func()
}

func (s oneBlob) Blob(_ context.Context, _ string, _ v1.Descriptor, from, to int64) (registry.Content, error) {
	if s.content == nil {
		return registry.Content{}, registry.ErrNotFound
	}
	part := iotest.OneByteReader(bytes.NewReader(s.content[from:to]))
	return registry.Content{ReadCloser: io.NopCloser(part), Permit: registry.Permit{Release: s.permit}}, nil
}

// A chart that passes by is kept, and whoever reads it gets the same bytes.
func TestCapture(t *testing.T) {
	content := []byte("a packed chart")
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	blob := v1.Descriptor{Digest: digest, Size: size}
	tests := []struct {
		name     string
		content  []byte
		from, to int64
		read     int64
		want     []byte
	}{
		{"whole", content, 0, size, size, content},
		{"only its end", content, 3, size, size - 3, nil},
		{"only its beginning", content, 0, 3, 3, nil},
		{"broken off", content, 0, size, size - 1, nil},
		{"altered", []byte("a packed charm"), 0, size, size, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var capture Capture
			capture.Want(blob)
			released := false
			source := capture.Source(oneBlob{content: tt.content, permit: func() { released = true }})
			opened, err := source.Blob(t.Context(), "r", blob, tt.from, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(io.LimitReader(opened, tt.read))
			if err != nil || !bytes.Equal(got, tt.content[tt.from:tt.from+tt.read]) {
				t.Errorf("Read() = %q, %v, want %q", got, err, tt.content[tt.from:tt.from+tt.read])
			}
			if opened.Permit.End(); !released {
				t.Error("the permit does not go with the content")
			}
			if got := capture.Captured(blob); !bytes.Equal(got, tt.want) {
				t.Errorf("Captured() = %q, want %q", got, tt.want)
			}
		})
	}
}

// What nobody wants is not kept, nor what is too large for a chart; errors pass.
func TestCaptureKeepsNothingElse(t *testing.T) {
	content := []byte("x")
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	var capture Capture
	opened, err := capture.Source(oneBlob{content: content}).Blob(t.Context(), "r", v1.Descriptor{Digest: digest, Size: size}, 0, size)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(opened); err != nil || capture.Captured(v1.Descriptor{Digest: digest}) != nil {
		t.Errorf("Captured() = %q, %v, want nothing", capture.Captured(v1.Descriptor{Digest: digest}), err)
	}
	huge := v1.Descriptor{Digest: digest, Size: MaxArchive + 1}
	if capture.Want(huge); capture.wants(huge) {
		t.Error("a blob that is too large is wanted")
	}
	if _, err := capture.Source(oneBlob{}).Blob(t.Context(), "r", huge, 0, 1); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("Blob() = %v, want ErrNotFound", err)
	}
}
