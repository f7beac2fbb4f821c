package write_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

func TestTheSameContentGivesTheSameBytes(t *testing.T) {
	w := bundletest.New(t)
	first := w.Write(t, write.Options{Jobs: 1})
	slices.Reverse(w.Content.Artifacts)
	slices.Reverse(w.Content.Manifests)
	second := w.Write(t, write.Options{Jobs: 8})
	var streamed bytes.Buffer
	third, err := write.Stream(t.Context(), &streamed, &w.Content, w.Fetch, write.Options{})
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
	if !slices.Equal(first.SHA256, third.SHA256) || first.SHA256[0] != bundletest.Sum(want) {
		t.Errorf("sums are %v and %v, want %s", first.SHA256, third.SHA256, bundletest.Sum(want))
	}
}

func TestAStreamInPartsIsTheSame(t *testing.T) {
	w := bundletest.New(t)
	d := w.Image(types.OCIManifestSchema1, w.Layer(9, 3*write.PartSize+5), w.Layer(10, write.PartSize), w.Layer(11, write.PartSize+1))
	w.Artifact(versions.RoleInstance, "postgres-instance", "v16.9-v4.3.1", d)
	written := w.Write(t, write.Options{})
	for _, w.Rangeless = range []bool{false, true} {
		for _, jobs := range []int{1, 2, 8} {
			s, err := write.Stream(t.Context(), io.Discard, &w.Content, w.Fetch, write.Options{Jobs: jobs})
			if err != nil || s.SHA256[0] != written.SHA256[0] {
				t.Errorf("Stream(%d jobs, no ranges %t) = %v, %v, want %v", jobs, w.Rangeless, s, err, written.SHA256)
			}
		}
	}
}

// turns is a source that serves so many readers at once, and none of its blobs in parts.
type turns chan struct{}

func (turns turns) fetch(w *bundletest.World) write.Fetch {
	return func(ctx context.Context, d v1.Descriptor, from, to int64) (registry.Content, error) {
		turns <- struct{}{}
		content, err := w.Fetch(ctx, d, from, to)
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
	w := bundletest.New(t)
	w.Rangeless = true
	var layers []v1.Descriptor
	for i := range 6 {
		layers = append(layers, w.Layer(uint64(20+i), 2*write.PartSize))
	}
	w.Artifact(versions.RoleInstance, "postgres-instance", "v16.9-v4.3.1", w.Image(types.OCIManifestSchema1, layers...))
	written := w.Write(t, write.Options{})
	for range 5 { // who comes first is chance
		s, err := write.Stream(t.Context(), io.Discard, &w.Content, make(turns, 1).fetch(w), write.Options{})
		if err != nil || s.SHA256[0] != written.SHA256[0] {
			t.Fatalf("Stream() = %v, %v, want %v", s, err, written.SHA256)
		}
	}
}

func TestAStreamThatBreaksIsNoBundle(t *testing.T) {
	w := bundletest.New(t)
	w.CutAfter(2 << 20)
	var out bytes.Buffer
	if _, err := write.Stream(t.Context(), &out, &w.Content, w.Fetch, write.Options{}); !errors.Is(err, bundletest.ErrCut) {
		t.Errorf("Stream() = %v, want %v", err, bundletest.ErrCut)
	}
	w.Spoil = nil
	broken := errors.New("the pipe is gone")
	if _, err := write.Stream(t.Context(), failing{broken}, &w.Content, w.Fetch, write.Options{}); !errors.Is(err, broken) {
		t.Errorf("Stream(into nothing) = %v, want %v", err, broken)
	}
	if err := use(t, out.Bytes()); err == nil {
		t.Error("what was streamed before the break can be used")
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestABundleIsItsUniqueBytes(t *testing.T) {
	w := bundletest.New(t)
	written := w.Write(t, write.Options{})
	if w.Total() != w.Unique() {
		t.Errorf("fetched %d bytes, want the %d unique ones", w.Total(), w.Unique())
	}
	// Beside the content there are headers of 512 bytes, padding, index and lock.
	if over := written.Size - written.Unique; over > 32<<10 {
		t.Errorf("a bundle of %d bytes holds %d unique ones: %d more", written.Size, written.Unique, over)
	}
}

func TestChecksumFileIsForSha256sum(t *testing.T) {
	written := bundletest.New(t).Write(t, write.Options{})
	got, err := os.ReadFile(written.Checksum)
	body, _ := os.ReadFile(written.Files[0])
	if want := bundletest.Sum(body) + "  pg.tar\n"; err != nil || string(got) != want {
		t.Errorf("%s = %q, %v, want %q", written.Checksum, got, err, want)
	}
}

func TestAWrongBlobIsNeverWritten(t *testing.T) {
	w := bundletest.New(t)
	w.Spoil = func(d v1.Descriptor, _ int64, body io.Reader) io.Reader {
		if d.Size == 3<<20 {
			return io.MultiReader(strings.NewReader("x"), io.LimitReader(body, d.Size-1))
		}
		return body
	}
	path := t.TempDir() + "/pg.tar"
	if _, err := write.File(t.Context(), path, &w.Content, w.Fetch, write.Options{}); !errors.Is(err, registry.ErrDigestMismatch) {
		t.Errorf("Write() = %v, want %v", err, registry.ErrDigestMismatch)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a bundle has appeared: %v", err)
	}
	if _, err := write.Stream(t.Context(), io.Discard, &w.Content, w.Fetch, write.Options{}); !errors.Is(err, registry.ErrDigestMismatch) {
		t.Errorf("Stream() = %v, want %v", err, registry.ErrDigestMismatch)
	}
}

func TestABundleThatIsThereStays(t *testing.T) {
	w := bundletest.New(t)
	path := t.TempDir() + "/pg.tar"
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := write.File(t.Context(), path, &w.Content, w.Fetch, write.Options{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("Write() = %v, want %v", err, os.ErrExist)
	}
	if body, _ := os.ReadFile(path); string(body) != "precious" {
		t.Errorf("the file was changed to %q", body)
	}
	other := t.TempDir() + "/pg.tar"
	if err := os.WriteFile(other+".sha256", []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := write.File(t.Context(), other, &w.Content, w.Fetch, write.Options{})
	if want := "writing " + other + ".sha256: file already exists"; err == nil || err.Error() != want {
		t.Errorf("Write() beside another sum = %v, want %s", err, want)
	}
	if _, err := write.File(t.Context(), path, &w.Content, w.Fetch, write.Options{Overwrite: true}); err != nil {
		t.Errorf("Write(Overwrite) = %v", err)
	}
	open(t, path, bundle.OpenOptions{})
}
