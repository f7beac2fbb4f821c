package contract

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Source holds a source that has the content against the contract of registry.Source.
func Source(t *testing.T, source registry.Source, c Content) {
	t.Helper()
	source.Prepare([]string{c.Repository})
	t.Run("resolve", func(t *testing.T) { resolves(t, source, c) })
	t.Run("manifest", func(t *testing.T) { givesManifests(t, source, c) })
	t.Run("blob", func(t *testing.T) { givesBlobs(t, source, c) })
	t.Run("permit", func(t *testing.T) { restsAnyTime(t, source, c) })
	t.Run("what is not there", func(t *testing.T) { saysNotFound(t, source, c) })
	t.Run("lists", func(t *testing.T) { lists(t, source, c) })
}

func resolves(t *testing.T, source registry.Source, c Content) {
	want := c.Image.Descriptor
	for _, reference := range []string{c.Tag, want.Digest.String()} {
		got, err := source.Resolve(t.Context(), c.Repository, reference)
		if err != nil || got.Digest != want.Digest || got.Size != want.Size || got.MediaType != want.MediaType {
			t.Errorf("Resolve(%s) = %+v, %v, want %+v", reference, got, err, want)
		}
	}
}

func givesManifests(t *testing.T, source registry.Source, c Content) {
	for _, reference := range []string{c.Tag, c.Image.Descriptor.Digest.String()} {
		got, err := source.Manifest(t.Context(), c.Repository, reference)
		if err != nil || !bytes.Equal(got.Body, c.Image.Body) || got.Descriptor.Digest != c.Image.Descriptor.Digest {
			t.Errorf("Manifest(%s) = %s, %v, want the bytes that were put", reference, got.Body, err)
		}
	}
}

func givesBlobs(t *testing.T, source registry.Source, c Content) {
	for digest, content := range c.Blobs {
		size := int64(len(content))
		for _, part := range [][2]int64{{0, size}, {size / 2, size}, {0, size / 2}, {size / 3, size / 2}, {size, size}} {
			readsPart(t, source, c.Repository, v1.Descriptor{Digest: digest, Size: size}, part[0], part[1], content)
		}
	}
}

func readsPart(t *testing.T, source registry.Source, repository string, blob v1.Descriptor, from, to int64, content []byte) {
	t.Helper()
	opened, err := source.Blob(t.Context(), repository, blob, from, to)
	if err != nil {
		t.Errorf("Blob(%d, %d) of %d = %v", from, to, blob.Size, err)
		return
	}
	defer opened.Close()
	want := content[from:to]
	if opened.Whole {
		if from != 0 || to == blob.Size {
			t.Errorf("Blob(%d, %d) of %d says that it is the whole instead", from, to, blob.Size)
		}
		want = content
	}
	if got, err := io.ReadAll(opened); err != nil || !bytes.Equal(got, want) {
		t.Errorf("Blob(%d, %d) of %d gave %d bytes, %v, want %d", from, to, blob.Size, len(got), err, len(want))
	}
}

// restsAnyTime gives places back before, while and after blobs are read, more of them at once
// than a source may serve.
func restsAnyTime(t *testing.T, source registry.Source, c Content) {
	blob, content := c.largest()
	var open []registry.Content
	for range 80 {
		opened, err := source.Blob(t.Context(), c.Repository, blob, 0, blob.Size)
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		opened.Permit.End()
		opened.Permit.End()
		open = append(open, opened)
	}
	for _, opened := range open {
		var got bytes.Buffer
		for {
			n, err := io.CopyN(&got, opened, 7_000)
			opened.Permit.End()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || n == 0 {
				t.Fatalf("reading on after a rest = %d bytes, %v", n, err)
			}
		}
		if !bytes.Equal(got.Bytes(), content) {
			t.Fatalf("a blob read with rests has %d bytes, want the same %d", got.Len(), len(content))
		}
	}
}

func saysNotFound(t *testing.T, source registry.Source, c Content) {
	nobody := v1.Hash{Algorithm: "sha256", Hex: "1111111111111111111111111111111111111111111111111111111111111111"}
	for _, reference := range []string{"no-such-tag", nobody.String()} {
		if got, err := source.Resolve(t.Context(), c.Repository, reference); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("Resolve(%s) = %+v, %v, want ErrNotFound", reference, got, err)
		}
		if _, err := source.Manifest(t.Context(), c.Repository, reference); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("Manifest(%s) = %v, want ErrNotFound", reference, err)
		}
	}
	if _, err := source.Tags(t.Context(), "no/such/repository"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("Tags() of no repository = %v, want ErrNotFound", err)
	}
	if got, err := source.Referrers(t.Context(), c.Repository, c.Referrer.Descriptor.Digest); err != nil || len(got) > 0 {
		t.Errorf("Referrers() where there are none = %v, %v, want none and no error", got, err)
	}
	opened, err := source.Blob(t.Context(), c.Repository, v1.Descriptor{Digest: nobody, Size: 5}, 0, 5)
	if err == nil {
		_, err = io.ReadAll(opened)
		_ = opened.Close()
	}
	if !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("Blob() that is not there = %v, want ErrNotFound", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := source.Manifest(ctx, c.Repository, "no-such-tag"); err == nil {
		t.Error("Manifest() after the end of the context = nil, want an error")
	}
}

func lists(t *testing.T, source registry.Source, c Content) {
	if got, err := source.Tags(t.Context(), c.Repository); err != nil || !slices.Contains(got, c.Tag) {
		t.Errorf("Tags() = %q, %v, want %s among them", got, err, c.Tag)
	}
	got, err := source.Referrers(t.Context(), c.Repository, c.Image.Descriptor.Digest)
	if err != nil || len(got) != 1 || got[0].Digest != c.Referrer.Descriptor.Digest {
		t.Errorf("Referrers() = %+v, %v, want %s", got, err, c.Referrer.Descriptor.Digest)
	}
}
