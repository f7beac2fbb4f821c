package write_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
)

// TestAKillAtAnyStepOfTheEnd: the same command completes the bundle, and fetches nothing again.
func TestAKillAtAnyStepOfTheEnd(t *testing.T) {
	killed := errors.New("killed")
	for _, opts := range []write.Options{{}, {VolumeSize: 1 << 20}, {Overwrite: true}, {VolumeSize: 1 << 20, Overwrite: true}} {
		for n := 0; ; n++ {
			w := bundletest.New(t)
			path := filepath.Join(t.TempDir(), "pg.tar")
			if opts.Overwrite {
				if err := rewrite(t, bundletest.NewBig(t), path, write.Options{VolumeSize: opts.VolumeSize}); err != nil {
					t.Fatal(err)
				}
			}
			first := opts
			reached := write.EndAt(&first, n, killed)
			err := rewrite(t, w, path, first)
			if !reached() {
				if n < 9 || err != nil {
					t.Fatalf("a run has %d steps and ends with %v", n, err)
				}
				break
			}
			if !errors.Is(err, killed) {
				t.Fatalf("step %d: File() = %v, want %v", n, err, killed)
			}
			fetched := w.Total()
			if err := rewrite(t, w, path, opts); err != nil {
				t.Errorf("step %d of %+v: File(again) = %v, there are %v", n, opts, err, in(t, filepath.Dir(path)))
				continue
			}
			if again := w.Total() - fetched; again != 0 {
				t.Errorf("step %d: %d bytes were fetched again", n, again)
			}
			holds(t, path, w)
			names := strings.Join(in(t, filepath.Dir(path)), " ")
			if strings.Contains(names, "partial") || strings.Contains(names, "replaced") || !strings.Contains(names, "pg.tar.sha256") {
				t.Errorf("step %d: there are %s", n, names)
			}
		}
	}
}

// TestNothingIsWrittenThroughLinks, whatever of a save's files they are called.
func TestNothingIsWrittenThroughLinks(t *testing.T) {
	for _, name := range []string{"pg.tar", "pg.tar.partial", "pg.tar.partial.journal", "pg.tar.sha256", "pg.tar.001.partial"} {
		for _, overwrite := range []bool{false, true} {
			folder, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
			if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(victim, filepath.Join(folder, name)); err != nil {
				t.Skip("no links here:", err)
			}
			w := bundletest.New(t)
			opts := write.Options{Overwrite: overwrite}
			if strings.Contains(name, "001") {
				opts.VolumeSize = 1 << 20
			}
			err := rewrite(t, w, filepath.Join(folder, "pg.tar"), opts)
			if body, _ := os.ReadFile(victim); string(body) != "precious" {
				t.Errorf("File() beside a link %s wrote through it: %.20q", name, body)
			}
			if err == nil && (name != "pg.tar" || !overwrite) {
				t.Errorf("File() beside a link %s = nil, want it refused", name)
			}
			if err != nil && w.Total() != 0 {
				t.Errorf("File() beside a link %s fetched %d bytes", name, w.Total())
			}
		}
	}
}

// TestARefusedSaveLeavesNothing, and replaces nothing that it was not told to.
func TestARefusedSaveLeavesNothing(t *testing.T) {
	for _, there := range []string{"pg.tar", "pg.tar.sha256", "pg.tar.partial.journal", "pg.tar.partial"} {
		path := filepath.Join(t.TempDir(), "pg.tar")
		name := filepath.Join(filepath.Dir(path), there)
		if err := os.WriteFile(name, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		w := bundletest.New(t)
		if err := rewrite(t, w, path, write.Options{}); err == nil || w.Total() != 0 {
			t.Errorf("File() beside %s = %v after %d bytes, want it refused", there, err, w.Total())
		}
		if body, _ := os.ReadFile(name); string(body) != "precious" {
			t.Errorf("%s was changed to %.20q", there, body)
		}
		if got := in(t, filepath.Dir(path)); !slices.Equal(got, []string{there}) {
			t.Errorf("there are %v, want only %s", got, there)
		}
	}
}

// TestAFileOfTwoNames stays what it is by its other name, where one that a save has for itself is given up.
func TestAFileOfTwoNames(t *testing.T) {
	folder, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(victim, filepath.Join(folder, "pg.tar.partial")); err != nil {
		t.Skip("no links here:", err)
	}
	w := bundletest.New(t)
	if err := rewrite(t, w, filepath.Join(folder, "pg.tar"), write.Options{Overwrite: true}); err != nil {
		t.Errorf("File() = %v, want no error", err)
	}
	if body, _ := os.ReadFile(victim); string(body) != "precious" {
		t.Errorf("File() wrote %.20q into the file by its other name", body)
	}
}
