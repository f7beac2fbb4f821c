package bundle

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

func TestVolumesAreTheFileInPieces(t *testing.T) {
	w := newWorld(t)
	whole := w.write(t, WriteOptions{})
	split := w.write(t, WriteOptions{VolumeSize: MinVolume})
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
		sums += sum(body) + "  " + filepath.Base(name) + "\n"
		if i < 3 && len(body) != MinVolume {
			t.Errorf("%s has %d bytes, want %d", name, len(body), MinVolume)
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
	split := newWorld(t).write(t, WriteOptions{VolumeSize: MinVolume})
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
	split := newWorld(t).write(t, WriteOptions{VolumeSize: MinVolume})
	for _, name := range []string{strings.TrimSuffix(split.Checksum, ".sha256"), split.Files[0], split.Files[2]} {
		open(t, name, OpenOptions{})
	}
}

func TestAMissingVolumeIsNamed(t *testing.T) {
	for missing := range 4 {
		split := newWorld(t).write(t, WriteOptions{VolumeSize: MinVolume})
		if err := os.Remove(split.Files[missing]); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), strings.TrimSuffix(split.Checksum, ".sha256"), OpenOptions{})
		name := filepath.Base(split.Files[missing])
		if err == nil || !strings.Contains(err.Error(), name+" is missing") {
			t.Errorf("Open() without %s = %v, want it named", name, err)
		}
		var own *registry.Error
		if !errors.Is(err, errVolumeMissing) || !errors.As(err, &own) || !strings.Contains(own.Hint, "-f") {
			t.Errorf("Open() = %v, want %v and a hint", err, errVolumeMissing)
		}
	}
}

func TestATruncatedVolumeIsNamed(t *testing.T) {
	split := newWorld(t).write(t, WriteOptions{VolumeSize: MinVolume})
	if err := os.Truncate(split.Files[1], 1000); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), split.Files[0], OpenOptions{})
	if err == nil || !strings.Contains(err.Error(), filepath.Base(split.Files[1])+" has fewer bytes") {
		t.Errorf("Open() = %v, want %s named", err, split.Files[1])
	}
}

func TestVolumesOfTwoBundlesAreToldApart(t *testing.T) {
	one := bigWorld(t).write(t, WriteOptions{VolumeSize: MinVolume})
	two := newWorld(t).write(t, WriteOptions{VolumeSize: MinVolume})
	// That volume begins inside of the largest layer and holds the header of the next.
	if err := os.Rename(two.Files[1], one.Files[3*big/MinVolume]); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), one.Files[0], OpenOptions{})
	var own *registry.Error
	if !errors.As(err, &own) || !errors.Is(err, errMixed) || !strings.Contains(own.Hint, "another bundle") {
		t.Errorf("Open() = %v, want a hint that a volume belongs to another bundle", err)
	}
}
