package files

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	name, other := filepath.Join(dir, "lock.json"), filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, name); err != nil {
		t.Fatal(err)
	}
	if err := MayReplace(name); err != nil {
		t.Fatalf("MayReplace(%s) = %v, want no error", name, err)
	}
	if err := Replace(name, []byte("ours"), 0o644); err != nil {
		t.Fatalf("Replace(%s) = %v, want no error", name, err)
	}
	for file, want := range map[string]string{name: "ours", other: "theirs"} {
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v, want %q", file, got, err, want)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("the folder holds %v, want nothing left behind", entries)
	}
	for _, bad := range []string{dir, filepath.Join(dir, "none", "lock.json")} {
		if MayReplace(bad) == nil || Replace(bad, nil, 0o644) == nil {
			t.Errorf("Replace(%s) = no error, want one", bad)
		}
	}
}
