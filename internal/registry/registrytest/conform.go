package registrytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Content is an image with what a conforming source says of it. Use NewContent.
type Content struct {
	Repository, Tag string
	// Image is the image's manifest; Referrer is one that has it as its subject.
	Image, Referrer oci.Manifest
	// Blobs are the config and the layers of both, by digest.
	Blobs map[v1.Hash][]byte
}

// NewContent makes an image of two small layers and something that refers to it.
func NewContent(tb testing.TB, repository, tag string) Content {
	tb.Helper()
	c := Content{Repository: repository, Tag: tag, Blobs: map[v1.Hash][]byte{}}
	layers := []v1.Descriptor{c.add(tb, types.OCILayer, bytes.Repeat([]byte("0123456789"), 10_000)), c.add(tb, types.OCILayer, []byte("small"))}
	c.Image = manifestOf(tb, v1.Manifest{Config: c.add(tb, types.OCIConfigJSON, []byte(`{"os":"linux"}`)), Layers: layers})
	subject := c.Image.Descriptor
	c.Referrer = manifestOf(tb, v1.Manifest{Config: c.add(tb, types.OCIConfigJSON, []byte(`{}`)), Layers: layers[1:], Subject: &subject})
	return c
}

func (c Content) add(tb testing.TB, mediaType types.MediaType, content []byte) v1.Descriptor {
	tb.Helper()
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		tb.Fatal(err)
	}
	c.Blobs[digest] = content
	return v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}
}

func manifestOf(tb testing.TB, m v1.Manifest) oci.Manifest {
	tb.Helper()
	m.SchemaVersion, m.MediaType = 2, types.OCIManifestSchema1
	body, err := json.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	manifest, err := oci.New(m.MediaType, body)
	if err != nil {
		tb.Fatal(err)
	}
	return manifest
}

// Put puts the content into a target.
func (c Content) Put(tb testing.TB, target registry.Target) {
	tb.Helper()
	for digest, content := range c.Blobs {
		blob := v1.Descriptor{Digest: digest, Size: int64(len(content))}
		if _, err := target.PushBlob(tb.Context(), c.Repository, blob, sent(content), false); err != nil {
			tb.Fatal(err)
		}
	}
	for reference, m := range map[string]oci.Manifest{c.Tag: c.Image, c.Referrer.Descriptor.Digest.String(): c.Referrer} {
		if _, err := target.PushManifest(tb.Context(), c.Repository, reference, m); err != nil {
			tb.Fatal(err)
		}
	}
}

// largest is the blob that is worth reading in parts.
func (c Content) largest() (blob v1.Descriptor, content []byte) {
	for digest, bytes := range c.Blobs {
		if len(bytes) > len(content) {
			blob, content = v1.Descriptor{Digest: digest, Size: int64(len(bytes))}, bytes
		}
	}
	return blob, content
}

// ConformSource holds a source that has the content against the contract of registry.Source.
func ConformSource(t *testing.T, source registry.Source, c Content) {
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

// ConformTarget fills an empty target with the content, and holds it against the contract of
// registry.Target on the way; then it has to conform as a source.
func ConformTarget(t *testing.T, target registry.Target, c Content) {
	t.Helper()
	target.Prepare([]string{c.Repository})
	t.Run("push", func(t *testing.T) { takesBlobs(t, target, c) })
	t.Run("refuse", func(t *testing.T) { takesNoWrongBlob(t, target, c) })
	t.Run("put", func(t *testing.T) { takesManifests(t, target, c) })
	t.Run("as a source", func(t *testing.T) { ConformSource(t, target, c) })
}

// sent is a registry.Body in memory.
type sent []byte

func (s sent) From(offset int64) (io.Reader, error) { return bytes.NewReader(s[offset:]), nil }

func takesBlobs(t *testing.T, target registry.Target, c Content) {
	for digest, content := range c.Blobs {
		blob := v1.Descriptor{Digest: digest, Size: int64(len(content))}
		if has, err := target.HasBlob(t.Context(), c.Repository, blob); has || err != nil {
			t.Errorf("HasBlob() before it was sent = %v, %v, want false", has, err)
		}
		for _, anew := range []bool{false, true} {
			if outcome, err := target.PushBlob(t.Context(), c.Repository, blob, sent(content), anew); err != nil || outcome != registry.Uploaded {
				t.Errorf("PushBlob(anew %v) = %v, %v, want Uploaded", anew, outcome, err)
			}
		}
		if has, err := target.HasBlob(t.Context(), c.Repository, blob); !has || err != nil {
			t.Errorf("HasBlob() after it was sent = %v, %v, want true", has, err)
		}
		if _, err := target.MountBlob(t.Context(), c.Repository+"/mounted", blob, c.Repository); err != nil {
			t.Errorf("MountBlob() = %v, want no error whether it mounts or not", err)
		}
	}
}

// takesNoWrongBlob sends content under the digest of other content.
func takesNoWrongBlob(t *testing.T, target registry.Target, c Content) {
	right := []byte("what is meant")
	digest, size, err := v1.SHA256(bytes.NewReader(right))
	if err != nil {
		t.Fatal(err)
	}
	blob := v1.Descriptor{Digest: digest, Size: size}
	if outcome, err := target.PushBlob(t.Context(), c.Repository, blob, sent("what is wrong"), false); err == nil {
		t.Errorf("PushBlob() of other content = %v, want an error", outcome)
	}
	if has, err := target.HasBlob(t.Context(), c.Repository, blob); has || err != nil {
		t.Errorf("HasBlob() after a wrong one was refused = %v, %v, want false", has, err)
	}
}

func takesManifests(t *testing.T, target registry.Target, c Content) {
	put := func(reference string, m oci.Manifest) bool {
		listed, err := target.PushManifest(t.Context(), c.Repository, reference, m)
		if err != nil {
			t.Errorf("PushManifest(%s) = %v", reference, err)
		}
		return listed
	}
	put(c.Image.Descriptor.Digest.String(), c.Image)
	if !put(c.Referrer.Descriptor.Digest.String(), c.Referrer) {
		entries := []v1.Descriptor{c.Referrer.Descriptor}
		for range 2 { // what is listed already stays, once
			if err := target.ListReferrers(t.Context(), c.Repository, c.Image.Descriptor.Digest, entries); err != nil {
				t.Errorf("ListReferrers() = %v", err)
			}
		}
	}
	put(c.Tag, c.Image)
}
