package write_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/volumes"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
)

// in lists the names in a folder.
func in(t testing.TB, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func rewrite(t testing.TB, w *bundletest.World, path string, opts write.Options) error {
	t.Helper()
	_, err := write.File(t.Context(), path, &w.Content, w.Fetch, opts)
	return err
}

// holds wants a bundle to be whole, and to be that of a world.
func holds(t testing.TB, path string, w *bundletest.World) {
	t.Helper()
	b := open(t, path, bundle.OpenOptions{})
	if err := b.Verify(t.Context(), bundle.VerifyOptions{}); err != nil {
		t.Errorf("Verify() = %v", err)
	}
	if got, want := len(b.Lock().Artifacts), len(w.Content.Artifacts); got != want {
		t.Errorf("the bundle has %d artifacts, want %d", got, want)
	}
}

func TestOverwriteLeavesNothingOfTheBundleBefore(t *testing.T) {
	tests := []struct {
		name        string
		before, now int64 // the sizes of volumes
		want        []string
	}{
		{"fewer volumes", 1 << 20, 2 << 20, []string{"pg.tar.001", "pg.tar.002", "pg.tar.sha256"}},
		{"volumes instead of a file", 0, 2 << 20, []string{"pg.tar.001", "pg.tar.002", "pg.tar.sha256"}},
		{"a file instead of a file", 0, 0, []string{"pg.tar", "pg.tar.sha256"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, now := bundletest.NewBig(t), bundletest.New(t)
			path := filepath.Join(t.TempDir(), "pg.tar")
			if err := rewrite(t, before, path, write.Options{VolumeSize: tt.before}); err != nil {
				t.Fatal(err)
			}
			if err := rewrite(t, now, path, write.Options{VolumeSize: tt.now}); !errors.Is(err, fs.ErrExist) {
				t.Errorf("Write() = %v, want %v", err, fs.ErrExist)
			}
			now.CutAfter(1 << 20)
			if err := rewrite(t, now, path, write.Options{VolumeSize: tt.now, Overwrite: true}); !errors.Is(err, bundletest.ErrCut) {
				t.Fatal(err)
			}
			holds(t, path, before)
			now.Spoil = nil
			if err := rewrite(t, now, path, write.Options{VolumeSize: tt.now, Overwrite: true}); err != nil {
				t.Fatal(err)
			}
			holds(t, path, now)
			if got := in(t, filepath.Dir(path)); !slices.Equal(got, tt.want) {
				t.Errorf("there are %v, want %v", got, tt.want)
			}
		})
	}
}

// TestStrayVolumesAreNoticed: they would count as volumes of the new bundle. Only what is
// known to be a bundle is replaced.
func TestStrayVolumesAreNoticed(t *testing.T) {
	tests := []struct {
		there   []string
		named   string
		replace bool
	}{
		{[]string{"pg.tar"}, "pg.tar", true},
		{[]string{"pg.tar.001", "pg.tar.002", "pg.tar.003"}, "pg.tar.001", true},
		{[]string{"pg.tar.001.replaced", "pg.tar.002"}, "pg.tar.002", true},
		{[]string{"pg.tar.009"}, "pg.tar.009", false},
		{[]string{"pg.tar.001", "pg.tar.2023"}, "pg.tar.2023", false},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "pg.tar")
		for _, name := range tt.there {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w := bundletest.New(t)
		err := rewrite(t, w, path, write.Options{VolumeSize: write.MinVolume})
		if err == nil || !strings.Contains(err.Error(), tt.named) || w.Total() != 0 {
			t.Errorf("Write() beside %s = %v after %d bytes, want %s to be refused", tt.there, err, w.Total(), tt.named)
		}
		err = rewrite(t, w, path, write.Options{VolumeSize: write.MinVolume, Overwrite: true})
		if tt.replace {
			if err != nil {
				t.Fatal(err)
			}
			holds(t, path, w)
			continue
		}
		kept, readErr := os.ReadFile(filepath.Join(filepath.Dir(path), tt.named))
		if err == nil || readErr != nil || string(kept) != "old" {
			t.Errorf("Write() over %s = %v, and %s is %q, want it refused", tt.there, err, tt.named, kept)
		}
	}
}

func TestAFolderIsNotOverwritten(t *testing.T) {
	for _, opts := range []write.Options{{Overwrite: true}, {}, {VolumeSize: write.MinVolume, Overwrite: true}} {
		w := bundletest.New(t)
		err := rewrite(t, w, t.TempDir(), opts)
		if err == nil || !strings.Contains(err.Error(), "it is a folder") || w.Total() != 0 {
			t.Errorf("Write(folder) = %v after %d bytes, want it refused", err, w.Total())
		}
	}
}

// TestAKillAmongTheRenames leaves names that tell, and the same command completes it.
func TestAKillAmongTheRenames(t *testing.T) {
	const size = 2 << 20
	for _, renamed := range []int{0, 1} {
		before, now := bundletest.NewBig(t), bundletest.New(t)
		path := filepath.Join(t.TempDir(), "pg.tar")
		if err := rewrite(t, before, path, write.Options{VolumeSize: size}); err != nil {
			t.Fatal(err)
		}
		ctx, kill := context.WithCancel(t.Context())
		_, err := write.File(ctx, path, &now.Content, func(_ context.Context, d v1.Descriptor, from, to int64) (registry.Content, error) {
			if d.Size < 1<<10 {
				kill()
			}
			return now.Fetch(ctx, d, from, to)
		}, write.Options{VolumeSize: size, Overwrite: true, Jobs: 1})
		if err == nil {
			t.Fatal("nothing was killed")
		}
		if err := write.MoveAway(write.BundleFiles(path)); err != nil {
			t.Fatal(err)
		}
		for _, name := range volumes.Named(path, ".partial")[:renamed] {
			if err := os.Rename(name, strings.TrimSuffix(name, ".partial")); err != nil {
				t.Fatal(err)
			}
		}
		if b, err := bundle.Open(t.Context(), path, bundle.OpenOptions{}); err == nil {
			t.Errorf("Open() with %d of the volumes renamed = nil, want an error", renamed)
			b.Close()
		}
		if err := rewrite(t, now, path, write.Options{VolumeSize: size, Overwrite: true}); err != nil {
			t.Fatal(err)
		}
		holds(t, path, now)
		if got, want := in(t, filepath.Dir(path)), []string{"pg.tar.001", "pg.tar.002", "pg.tar.sha256"}; !slices.Equal(got, want) {
			t.Errorf("there are %v, want %v", got, want)
		}
	}
}

// TestNothingIsLeftOfRunsThatWereKilled, whatever the command is that comes after them.
func TestNothingIsLeftOfRunsThatWereKilled(t *testing.T) {
	tests := []struct {
		name string
		opts write.Options
		want []string
	}{
		{"start again", write.Options{VolumeSize: 1 << 20, NoResume: true}, nil},
		{"start again in one file", write.Options{NoResume: true}, []string{"pg.tar", "pg.tar.sha256"}},
		{"other volumes", write.Options{VolumeSize: 2 << 20}, []string{"pg.tar.001", "pg.tar.002", "pg.tar.sha256"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, now := bundletest.NewBig(t), bundletest.New(t)
			path := filepath.Join(t.TempDir(), "pg.tar")
			before.CutAfter(4 * bundletest.Big)
			if err := rewrite(t, before, path, write.Options{VolumeSize: 1 << 20}); !errors.Is(err, bundletest.ErrCut) {
				t.Fatal(err)
			}
			// As a run leaves it that is killed while it takes over.
			if err := os.WriteFile(path+".004.partial.old", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := rewrite(t, now, path, tt.opts); err != nil {
				t.Fatal(err)
			}
			got := in(t, filepath.Dir(path))
			if strings.Contains(strings.Join(got, " "), "partial") || tt.want != nil && !slices.Equal(got, tt.want) {
				t.Errorf("there are %v, want %v", got, tt.want)
			}
			holds(t, path, now)
		})
	}
}

// What is wrong with the name alone is found before there is any content; what an interrupted run
// left does not stand in its own way.
func TestCheck(t *testing.T) {
	folder := t.TempDir()
	there := filepath.Join(folder, "there.tar")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	interrupted := filepath.Join(folder, "interrupted.tar")
	for _, name := range []string{interrupted, interrupted + ".partial.journal"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		path string
		opts write.Options
		want error
	}{
		{filepath.Join(folder, "new.tar"), write.Options{}, nil},
		{filepath.Join(folder, "nosuch", "new.tar"), write.Options{}, fs.ErrNotExist},
		{there, write.Options{}, fs.ErrExist},
		{there, write.Options{Overwrite: true}, nil},
		{interrupted, write.Options{}, nil},
	}
	before := in(t, folder)
	for _, tt := range tests {
		if err := write.Check(tt.path, tt.opts); !errors.Is(err, tt.want) {
			t.Errorf("Check(%s, %+v) = %v, want %v", tt.path, tt.opts, err, tt.want)
		}
	}
	if after := in(t, folder); !slices.Equal(after, before) {
		t.Errorf("Check left %q, want %q", after, before)
	}
}
