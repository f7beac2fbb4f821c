package contract

import (
	"bytes"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Target fills an empty target with the content, and holds it against the contract of
// registry.Target on the way; then it has to conform as a source.
func Target(t *testing.T, target registry.Target, c Content) {
	t.Helper()
	target.Prepare([]string{c.Repository})
	t.Run("push", func(t *testing.T) { takesBlobs(t, target, c) })
	t.Run("refuse", func(t *testing.T) { takesNoWrongBlob(t, target, c) })
	t.Run("put", func(t *testing.T) { takesManifests(t, target, c) })
	t.Run("as a source", func(t *testing.T) { Source(t, target, c) })
}

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
