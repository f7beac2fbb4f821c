package bundle

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/volumes"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
)

func TestVolumesAreTheFileInPieces(t *testing.T) {
	w := bundletest.New(t)
	whole := w.Write(t, write.Options{})
	split := w.Write(t, write.Options{VolumeSize: write.MinVolume})
	if len(split.Files) != 4 {
		t.Fatalf("files are %v, want 4", split.Files)
	}
	var joined bytes.Buffer
	sums := ""
	for i, name := range split.Files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		joined.Write(body)
		sums += bundletest.Sum(body) + "  " + filepath.Base(name) + "\n"
		if i < 3 && len(body) != write.MinVolume {
			t.Errorf("%s has %d bytes, want %d", name, len(body), write.MinVolume)
		}
	}
	want, _ := os.ReadFile(whole.Files[0])
	if !bytes.Equal(joined.Bytes(), want) {
		t.Error("the volumes joined are another file than the bundle in one piece")
	}
	if got, _ := os.ReadFile(split.Checksum); string(got) != sums {
		t.Errorf("%s = %q, want %q", split.Checksum, got, sums)
	}
}

func TestVolumesInAnyOrder(t *testing.T) {
	split := bundletest.New(t).Write(t, write.Options{VolumeSize: write.MinVolume})
	elsewhere := t.TempDir()
	for _, i := range []int{1, 3} {
		to := filepath.Join(elsewhere, filepath.Base(split.Files[i]))
		if err := os.Rename(split.Files[i], to); err != nil {
			t.Fatal(err)
		}
		split.Files[i] = to
	}
	b := open(t, split.Files[3], OpenOptions{Volumes: []string{split.Files[0]}})
	if err := b.Verify(t.Context(), VerifyOptions{}); err != nil {
		t.Errorf("Verify() = %v", err)
	}
}

func TestVolumesAreFoundByAnyName(t *testing.T) {
	split := bundletest.New(t).Write(t, write.Options{VolumeSize: write.MinVolume})
	for _, name := range []string{strings.TrimSuffix(split.Checksum, ".sha256"), split.Files[0], split.Files[2]} {
		open(t, name, OpenOptions{})
	}
}

func TestAMissingVolumeIsNamed(t *testing.T) {
	for missing := range 4 {
		split := bundletest.New(t).Write(t, write.Options{VolumeSize: write.MinVolume})
		if err := os.Remove(split.Files[missing]); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), strings.TrimSuffix(split.Checksum, ".sha256"), OpenOptions{})
		name := filepath.Base(split.Files[missing])
		if err == nil || !strings.Contains(err.Error(), name+" is missing") {
			t.Errorf("Open() without %s = %v, want it named", name, err)
		}
		var own *OpenError
		if !errors.Is(err, volumes.ErrMissing) || !errors.As(err, &own) {
			t.Errorf("Open() = %v, want %v", err, volumes.ErrMissing)
		}
	}
}

func TestATruncatedVolumeIsNamed(t *testing.T) {
	split := bundletest.New(t).Write(t, write.Options{VolumeSize: write.MinVolume})
	if err := os.Truncate(split.Files[1], 1000); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), split.Files[0], OpenOptions{})
	if err == nil || !strings.Contains(err.Error(), filepath.Base(split.Files[1])+" has fewer bytes") {
		t.Errorf("Open() = %v, want %s named", err, split.Files[1])
	}
}

func TestVolumesOfTwoBundlesAreToldApart(t *testing.T) {
	one := bundletest.NewBig(t).Write(t, write.Options{VolumeSize: write.MinVolume})
	two := bundletest.New(t).Write(t, write.Options{VolumeSize: write.MinVolume})
	// That volume begins inside of the largest layer and holds the header of the next.
	if err := os.Rename(two.Files[1], one.Files[3*bundletest.Big/write.MinVolume]); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), one.Files[0], OpenOptions{})
	var own *OpenError
	if !errors.As(err, &own) || !errors.Is(err, archive.ErrMixed) {
		t.Errorf("Open() = %v, want %v", err, archive.ErrMixed)
	}
}
