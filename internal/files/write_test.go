package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestWriteIsWholeOrNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receipt.json")
	if err := Write(path, []byte("one"), 0o644, false); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("two"), 0o644, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Write() over a file = %v, want %v", err, fs.ErrExist)
	}
	if err := Write(path, []byte("three"), 0o644, true); err != nil {
		t.Errorf("Write(replace) = %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "three" || count(t, path) != 1 {
		t.Errorf("there is %q, beside %d files", got, count(t, path)-1)
	}
	if err := Write(filepath.Dir(path), nil, 0o644, true); err == nil {
		t.Error("Write(a folder) = nil, want an error")
	}
}

// count is how many files lie in the folder of path.
func count(t *testing.T, path string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestCheckWritable(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "lock.json")
	if err := CheckWritable(name, true); err != nil {
		t.Errorf("CheckWritable(%s) = %v, want no error", name, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("the folder holds %v, want nothing left behind", entries)
	}
	for _, bad := range []string{dir, filepath.Join(dir, "none", "lock.json")} {
		if CheckWritable(bad, true) == nil {
			t.Errorf("CheckWritable(%s) = no error, want one", bad)
		}
	}
}

// What fails while a file is written names that file, and not the neighbour that it is written to; the
// file that was there stays.
func TestWriteNamesTheFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "there")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := func(to io.Writer) error {
		f := to.(*os.File)
		return errors.Join(&fs.PathError{Op: "write", Path: f.Name(), Err: io.ErrShortWrite})
	}
	if err := WriteBy(path, 0o644, true, full); err == nil || err.Error() != "write "+path+": short write" {
		t.Errorf("WriteBy() on a full disk = %v, want one about %s", err, path)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" || count(t, path) != 1 {
		t.Errorf("there is %q, beside %d files", got, count(t, path)-1)
	}
	gone := filepath.Join(folder, "gone", "file")
	if err := os.Mkdir(filepath.Dir(gone), 0o700); err != nil {
		t.Fatal(err)
	}
	removed := func(io.Writer) error { return os.RemoveAll(filepath.Dir(gone)) }
	if err := WriteBy(gone, 0o644, true, removed); !errors.Is(err, ErrNoFolder) || err.Error() != "open "+gone+": its folder is not there" {
		t.Errorf("WriteBy() into a folder that is removed meanwhile = %v, want one about %s", err, gone)
	}
}

// A folder that is not there is found before the work, and said to be that.
func TestCheckWritableWithoutFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nosuch", "file")
	if err := CheckWritable(path, true); !errors.Is(err, ErrNoFolder) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("CheckWritable(%s) = %v, want %v", path, err, ErrNoFolder)
	}
}

// Of many who write a file that may not be replaced one does, and the others are told. It takes some
// rounds for two of them to meet.
func TestWriteAtTheSameTime(t *testing.T) {
	for range 40 {
		path := filepath.Join(t.TempDir(), "file")
		var written, refused atomic.Int32
		var all sync.WaitGroup
		begin := make(chan struct{})
		for n := range 32 {
			all.Go(func() {
				<-begin
				var exists *ExistsError
				switch err := Write(path, []byte{byte(n)}, 0o600, false); {
				case err == nil:
					written.Add(1)
				case errors.As(err, &exists):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		close(begin)
		all.Wait()
		if written.Load() != 1 || refused.Load() != 31 {
			t.Fatalf("%d have written and %d were refused, want 1 and 31", written.Load(), refused.Load())
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("%d files are left, %v, want one", len(entries), err)
		}
	}
}
