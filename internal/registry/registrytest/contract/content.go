// Package contract holds whatever is a registry.Source or a registry.Target against what those promise,
// for tests: Source and Target have it do everything that there is to do, with a Content.
package contract

import (
	"bytes"
	"encoding/json"
	"io"
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

// sent is a registry.Body in memory.
type sent []byte

func (s sent) From(offset int64) (io.Reader, error) { return bytes.NewReader(s[offset:]), nil }

// largest is the blob that is worth reading in parts.
func (c Content) largest() (blob v1.Descriptor, content []byte) {
	for digest, bytes := range c.Blobs {
		if len(bytes) > len(content) {
			blob, content = v1.Descriptor{Digest: digest, Size: int64(len(bytes))}, bytes
		}
	}
	return blob, content
}
