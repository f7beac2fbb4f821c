package bundle

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	w := newWorld(t)
	written := w.write(t, WriteOptions{})
	b := open(t, written.Files[0], OpenOptions{})
	if err := b.Verify(t.Context(), VerifyOptions{}); err != nil {
		t.Fatalf("Verify() = %v", err)
	}
	if diff := cmp.Diff(written.Lock, b.Lock()); diff != "" {
		t.Errorf("the lock changed on its way:\n%s", diff)
	}
	for _, a := range w.content.Artifacts {
		for _, repository := range []string{a.Target.Repository, a.Source.Repository, a.Source.Name()} {
			got, err := b.Resolve(t.Context(), repository, a.Target.Tag)
			if err != nil || got.Digest != a.Digest {
				t.Errorf("Resolve(%s, %s) = %v, %v, want %v", repository, a.Target.Tag, got.Digest, err, a.Digest)
			}
		}
	}
	for digest, want := range w.blobs {
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
	w := newWorld(t)
	b := open(t, w.write(t, WriteOptions{}).Files[0], OpenOptions{})
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
	sbom := w.content.Attachments[1]
	l, err := parseLinks(w.body(sbom.Digest))
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

func (w *world) body(digest v1.Hash) []byte {
	for _, m := range w.content.Manifests {
		if m.Descriptor.Digest == digest {
			return m.Body
		}
	}
	return nil
}

func TestTheSameContentGivesTheSameBytes(t *testing.T) {
	w := newWorld(t)
	first := w.write(t, WriteOptions{Jobs: 1})
	slices.Reverse(w.content.Artifacts)
	slices.Reverse(w.content.Manifests)
	second := w.write(t, WriteOptions{Jobs: 8})
	var streamed bytes.Buffer
	third, err := Stream(t.Context(), &streamed, &w.content, w.fetch, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(first.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(second.Files[0])
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("written again: %d bytes, %v, other than the %d before", len(got), err, len(want))
	}
	if !bytes.Equal(streamed.Bytes(), want) {
		t.Errorf("streamed: %d bytes, other than the %d written", streamed.Len(), len(want))
	}
	if !slices.Equal(first.SHA256, third.SHA256) || first.SHA256[0] != sum(want) {
		t.Errorf("sums are %v and %v, want %s", first.SHA256, third.SHA256, sum(want))
	}
}

func TestAStreamInPartsIsTheSame(t *testing.T) {
	w := newWorld(t)
	d := w.image(types.OCIManifestSchema1, w.layer(9, 3*partSize+5), w.layer(10, partSize), w.layer(11, partSize+1))
	w.artifact(versions.RoleInstance, "postgres-instance", "v16.9-v4.3.1", d)
	written := w.write(t, WriteOptions{})
	for _, w.rangeless = range []bool{false, true} {
		for _, jobs := range []int{1, 2, 8} {
			s, err := Stream(t.Context(), io.Discard, &w.content, w.fetch, WriteOptions{Jobs: jobs})
			if err != nil || s.SHA256[0] != written.SHA256[0] {
				t.Errorf("Stream(%d jobs, no ranges %t) = %v, %v, want %v", jobs, w.rangeless, s, err, written.SHA256)
			}
		}
	}
}

// turns is a source that serves so many readers at once, and none of its blobs in parts.
type turns chan struct{}

func (turns turns) fetch(w *world) Fetch {
	return func(ctx context.Context, d v1.Descriptor, from, to int64) (registry.Content, error) {
		turns <- struct{}{}
		content, err := w.fetch(ctx, d, from, to)
		if err != nil {
			<-turns
			return content, err
		}
		taking := &taking{ReadCloser: content.ReadCloser, turns: turns, has: true}
		return registry.Content{ReadCloser: taking, Permit: registry.Permit{Release: taking.rest}, Whole: content.Whole}, nil
	}
}

type taking struct {
	io.ReadCloser
	turns turns
	has   bool
}

func (r *taking) Read(p []byte) (int, error) {
	if !r.has {
		r.turns <- struct{}{}
		r.has = true
	}
	return r.ReadCloser.Read(p)
}

func (r *taking) rest() {
	if r.has {
		<-r.turns
		r.has = false
	}
}

func (r *taking) Close() error {
	r.rest()
	return r.ReadCloser.Close()
}

// A registry may be down to one request at a time while parts wait in memory for their turn.
func TestAStreamFromABusySource(t *testing.T) {
	w := newWorld(t)
	w.rangeless = true
	var layers []v1.Descriptor
	for i := range 6 {
		layers = append(layers, w.layer(uint64(20+i), 2*partSize))
	}
	w.artifact(versions.RoleInstance, "postgres-instance", "v16.9-v4.3.1", w.image(types.OCIManifestSchema1, layers...))
	written := w.write(t, WriteOptions{})
	for range 5 { // who comes first is chance
		s, err := Stream(t.Context(), io.Discard, &w.content, make(turns, 1).fetch(w), WriteOptions{})
		if err != nil || s.SHA256[0] != written.SHA256[0] {
			t.Fatalf("Stream() = %v, %v, want %v", s, err, written.SHA256)
		}
	}
}

func TestAStreamThatBreaksIsNoBundle(t *testing.T) {
	w := newWorld(t)
	w.cutAfter(2 << 20)
	var out bytes.Buffer
	if _, err := Stream(t.Context(), &out, &w.content, w.fetch, WriteOptions{}); !errors.Is(err, errCut) {
		t.Errorf("Stream() = %v, want %v", err, errCut)
	}
	w.spoil = nil
	broken := errors.New("the pipe is gone")
	if _, err := Stream(t.Context(), failing{broken}, &w.content, w.fetch, WriteOptions{}); !errors.Is(err, broken) {
		t.Errorf("Stream(into nothing) = %v, want %v", err, broken)
	}
	if err := use(t, out.Bytes()); err == nil {
		t.Error("what was streamed before the break can be used")
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func sum(b []byte) string {
	digest, _, _ := v1.SHA256(bytes.NewReader(b))
	return digest.Hex
}

func TestABundleIsItsUniqueBytes(t *testing.T) {
	w := newWorld(t)
	written := w.write(t, WriteOptions{})
	if w.total() != w.unique() {
		t.Errorf("fetched %d bytes, want the %d unique ones", w.total(), w.unique())
	}
	// Beside the content there are headers of 512 bytes, padding, index and lock.
	if over := written.Size - written.Unique; over > 32<<10 {
		t.Errorf("a bundle of %d bytes holds %d unique ones: %d more", written.Size, written.Unique, over)
	}
}

func TestChecksumFileIsForSha256sum(t *testing.T) {
	written := newWorld(t).write(t, WriteOptions{})
	got, err := os.ReadFile(written.Checksum)
	body, _ := os.ReadFile(written.Files[0])
	if want := sum(body) + "  pg.tar\n"; err != nil || string(got) != want {
		t.Errorf("%s = %q, %v, want %q", written.Checksum, got, err, want)
	}
}

func TestAWrongBlobIsNeverWritten(t *testing.T) {
	w := newWorld(t)
	w.spoil = func(d v1.Descriptor, _ int64, body io.Reader) io.Reader {
		if d.Size == 3<<20 {
			return io.MultiReader(strings.NewReader("x"), io.LimitReader(body, d.Size-1))
		}
		return body
	}
	path := t.TempDir() + "/pg.tar"
	if _, err := Write(t.Context(), path, &w.content, w.fetch, WriteOptions{}); !errors.Is(err, registry.ErrDigestMismatch) {
		t.Errorf("Write() = %v, want %v", err, registry.ErrDigestMismatch)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a bundle has appeared: %v", err)
	}
	if _, err := Stream(t.Context(), io.Discard, &w.content, w.fetch, WriteOptions{}); !errors.Is(err, registry.ErrDigestMismatch) {
		t.Errorf("Stream() = %v, want %v", err, registry.ErrDigestMismatch)
	}
}

func TestABundleThatIsThereStays(t *testing.T) {
	w := newWorld(t)
	path := t.TempDir() + "/pg.tar"
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), path, &w.content, w.fetch, WriteOptions{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("Write() = %v, want %v", err, os.ErrExist)
	}
	if body, _ := os.ReadFile(path); string(body) != "precious" {
		t.Errorf("the file was changed to %q", body)
	}
	if _, err := Write(t.Context(), path, &w.content, w.fetch, WriteOptions{Overwrite: true}); err != nil {
		t.Errorf("Write(Overwrite) = %v", err)
	}
	open(t, path, OpenOptions{})
}
