package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Replace writes a small file whole or not at all: whoever opens the name finds what was there
// before or the new content. Where the name is a link, the link is replaced, and nothing is
// written through it. A pipe or a device, /dev/stdout, is written to.
func Replace(name string, content []byte, mode os.FileMode) error {
	if stream(name) {
		return os.WriteFile(name, content, mode)
	}
	f, err := beside(name)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = errors.Join(f.Chmod(mode), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// MayReplace finds out beforehand whether Replace could write a file: long work need not be done
// for a name that nothing can be written under. It leaves nothing behind.
func MayReplace(name string) error {
	if stream(name) {
		return nil
	}
	f, err := beside(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// beside makes a file in the folder of name, which must not be a folder itself.
func beside(name string) (*os.File, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder", name)
	}
	return os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
}

// stream tells whether name is something that bytes only pass through.
func stream(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir() && !info.Mode().IsRegular()
}
