package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A file that is being written has no name: nothing of it stays where the program is killed.
func TestAFileIsNamelessUntilItIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receipt.json")
	if f, err := nameless(path); err != nil {
		t.Skipf("the file system has no such files: %v", err)
	} else if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, replace := range []bool{false, true} {
		before := count(t, path)
		err := WriteBy(path, 0o640, replace, func(to io.Writer) error {
			_, err := io.WriteString(to, "content")
			if n := count(t, path); n != before {
				t.Errorf("%d files lie there while one is written, want %d", n, before)
			}
			return err
		})
		info, statErr := os.Stat(path)
		if err := errors.Join(err, statErr); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != "content" || info.Mode().Perm() != 0o640 || count(t, path) != 1 {
			t.Errorf("there is %q with mode %v, and %d files", got, info.Mode(), count(t, path))
		}
	}
}

// Where such a file gets no name, what is in it goes into one that has one.
func TestADraftThatGetsNoName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receipt.json")
	d, err := newDraft(path)
	if err != nil || d.at != "" {
		t.Skipf("the file system has no such files: %v", err)
	}
	_, err = d.WriteString("content")
	if err := errors.Join(err, d.Chmod(0o640), d.copied(path)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(d.at)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(d.at); string(got) != "content" || info.Mode().Perm() != 0o640 {
		t.Errorf("it is %s with %q and mode %v", d.at, got, info.Mode())
	}
	if err := errors.Join(d.Close(), d.discard()); err != nil || count(t, path) != 0 {
		t.Errorf("discard() = %v, and %d files are left, want none", err, count(t, path))
	}
}

// A file that is new has its own name and never another, which a kill would leave behind.
func TestANewFileHasOneName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receipt.json")
	if f, err := nameless(path); err != nil {
		t.Skipf("the file system has no such files: %v", err)
	} else if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(watch)
	if _, err := unix.InotifyAddWatch(watch, filepath.Dir(path), unix.IN_CREATE|unix.IN_MOVED_TO); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("content"), 0o640, false); err != nil {
		t.Fatal(err)
	}
	events := make([]byte, 4096)
	n, err := unix.Read(watch, events)
	if err != nil {
		t.Fatal(err)
	}
	if one := unix.SizeofInotifyEvent + 16; n != one || !strings.Contains(string(events[:n]), "receipt.json") || strings.Contains(string(events[:n]), ".receipt") {
		t.Errorf("names that were given: %q, want receipt.json alone", events[:n])
	}
	if err := Write(path, []byte("other"), 0o640, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Write() = %v where there is a file, want that it exists", err)
	}
}
