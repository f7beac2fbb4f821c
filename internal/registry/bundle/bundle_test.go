package bundle

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	w := bundletest.New(t)
	written := w.Write(t, write.Options{})
	b := open(t, written.Files[0], OpenOptions{})
	if err := b.Verify(t.Context(), VerifyOptions{}); err != nil {
		t.Fatalf("Verify() = %v", err)
	}
	if diff := cmp.Diff(written.Lock, b.Lock()); diff != "" {
		t.Errorf("the lock changed on its way:\n%s", diff)
	}
	for _, a := range w.Content.Artifacts {
		for _, repository := range []string{a.Target.Repository, a.Source.Repository, a.Source.Name()} {
			got, err := b.Resolve(t.Context(), repository, a.Target.Tag)
			if err != nil || got.Digest != a.Digest {
				t.Errorf("Resolve(%s, %s) = %v, %v, want %v", repository, a.Target.Tag, got.Digest, err, a.Digest)
			}
		}
	}
	for digest, want := range w.Blobs {
		r, err := b.Blob(t.Context(), "tanzu-sql-postgres/postgres-operator", v1.Descriptor{Digest: digest}, 0, int64(len(want)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("Blob(%s) = %d bytes, %v, want %d", digest, len(got), err, len(want))
		}
	}
}

func TestSourceAnswersAsARegistryWould(t *testing.T) {
	w := bundletest.New(t)
	b := open(t, w.Write(t, write.Options{}).Files[0], OpenOptions{})
	tags, err := b.Tags(t.Context(), "postgres-instance")
	if want := []string{"v17.5-v4.3.1"}; err != nil || !slices.Equal(tags, want) {
		t.Errorf("Tags(postgres-instance) = %v, %v, want %v", tags, err, want)
	}
	if _, err := b.Tags(t.Context(), "nothing"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("Tags(nothing) = %v, want %v", err, registry.ErrNotFound)
	}
	if _, err := b.Resolve(t.Context(), "postgres-instance", "v9"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("Resolve(postgres-instance, v9) = %v, want %v", err, registry.ErrNotFound)
	}
	sbom := w.Content.Attachments[1]
	l, err := oci.Parse(oci.Manifest{Descriptor: sbom.Descriptor(), Body: w.Body(sbom.Digest)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Referrers(t.Context(), "postgres-instance", l.Subject.Digest)
	want := []v1.Descriptor{{
		MediaType: sbom.MediaType, Digest: sbom.Digest, Size: sbom.Size,
		ArtifactType: "application/spdx+json", Annotations: map[string]string{"kind": "sbom"},
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Referrers(%s) = %v:\n%s", l.Subject.Digest, err, diff)
	}
}
