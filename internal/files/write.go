package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrLink: the name leads elsewhere. Who lays a link into a folder must not choose what is
// written over.
var ErrLink = errors.New("it is a link, and nothing is written through links")

// ErrDash: "-" stands for standard output where something is written to it, and for no file elsewhere.
var ErrDash = errors.New("it stands for standard output, where this is not written; ./- is a file of that name")

// ErrNoFolder: the folder that the file belongs in is not there. It is an fs.ErrNotExist.
var ErrNoFolder error = noFolder{}

type noFolder struct{}

func (noFolder) Error() string        { return "its folder is not there" }
func (noFolder) Is(target error) bool { return target == fs.ErrNotExist }

// ExistsError says that there is something of that name, which may not be replaced. It is an
// fs.ErrExist.
type ExistsError struct{ Path string }

// Error names it.
func (e *ExistsError) Error() string { return "writing " + e.Path + ": " + fs.ErrExist.Error() }

// Unwrap returns fs.ErrExist.
func (e *ExistsError) Unwrap() error { return fs.ErrExist }

// Cause is what is wrong with a file, without its name, for who names it already.
func Cause(err error) error {
	var named *fs.PathError
	var exists *ExistsError
	switch {
	case errors.As(err, &named):
		return named.Err
	case errors.As(err, &exists):
		return fs.ErrExist
	default:
		return err
	}
}

// Write puts a file at path as a whole or not at all, through a neighbour, so that a crash
// leaves what was there or the new file. It follows no link. Where something is there already
// it fails with an *ExistsError unless it may be replaced, and only regular files may.
func Write(path string, body []byte, mode fs.FileMode, replace bool) error {
	return WriteBy(path, mode, replace, func(to io.Writer) error {
		_, err := to.Write(body)
		return err
	})
}

// WriteBy is Write of what a function writes.
func WriteBy(path string, mode fs.FileMode, replace bool, write func(io.Writer) error) error {
	if err := CheckFree(path, replace); err != nil {
		return err
	}
	temporary, err := newDraft(path)
	if err != nil {
		return err
	}
	err = write(temporary.File)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Sync())
	if err == nil && !replace && temporary.become(path) {
		return temporary.Close()
	}
	if err == nil {
		err = temporary.name(path)
	}
	err = errors.Join(err, temporary.Close())
	if err == nil && replace {
		err = os.Rename(temporary.at, path)
	} else if err == nil {
		err = put(temporary.at, path)
	}
	if err != nil {
		return instead(temporary.at, path, errors.Join(err, temporary.discard()))
	}
	return nil
}

// put gives a neighbour its name, unless there is something of that name: somebody may have come
// first meanwhile.
func put(temporary, path string) error {
	if os.Link(temporary, path) == nil {
		return os.Remove(temporary)
	}
	if err := CheckFree(path, false); err != nil {
		return err
	}
	return os.Rename(temporary, path) // a file system without such links
}

// neighbour makes a file beside path, to take its place.
func neighbour(path string) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNoFolder}
	}
	var named *fs.PathError
	if errors.As(err, &named) {
		return nil, &fs.PathError{Op: named.Op, Path: path, Err: named.Err}
	}
	return f, err
}

// instead is an error about a neighbour as one about the file that was meant.
func instead(temporary, path string, err error) error {
	var named *fs.PathError
	var renamed *os.LinkError
	switch {
	case errors.As(err, &named) && named.Path == temporary:
		return &fs.PathError{Op: named.Op, Path: path, Err: named.Err}
	case errors.As(err, &renamed) && renamed.Old == temporary && errors.Is(renamed.Err, fs.ErrNotExist):
		return &fs.PathError{Op: "open", Path: path, Err: ErrNoFolder}
	case errors.As(err, &renamed) && renamed.Old == temporary:
		return &fs.PathError{Op: renamed.Op, Path: path, Err: renamed.Err}
	default:
		return err
	}
}

// CheckFree tells whether Write would put a file at path. Nothing is changed.
func CheckFree(path string, replace bool) error {
	if path == "-" {
		return &fs.PathError{Op: "writing", Path: path, Err: ErrDash}
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return &fs.PathError{Op: "writing", Path: path, Err: ErrLink}
	case info.IsDir():
		return &fs.PathError{Op: "writing", Path: path, Err: ErrFolder}
	case !info.Mode().IsRegular(): // which nothing replaces
		return &fs.PathError{Op: "writing", Path: path, Err: ErrIrregular}
	case !replace:
		return &ExistsError{Path: path}
	default:
		return nil
	}
}

// CheckBelow tells whether no folder between root and path is a link: who lays out the folders
// below the one that a user has named must not choose another. Root itself may be one.
func CheckBelow(root, path string) error {
	relative, err := filepath.Rel(root, filepath.Dir(path))
	if err != nil {
		return err
	}
	folder := root
	for part := range strings.SplitSeq(filepath.ToSlash(relative), "/") {
		folder = filepath.Join(folder, part)
		info, err := os.Lstat(folder)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if folder != filepath.Clean(root) && info.Mode()&fs.ModeSymlink != 0 {
			return &fs.PathError{Op: "writing", Path: folder, Err: ErrLink}
		}
	}
	return nil
}

// CheckWritable tells whether Write could put a file at path, for whoever has long work to do
// before that: besides CheckFree, its folder takes new files. Nothing is left behind.
func CheckWritable(path string, replace bool) error {
	if err := CheckFree(path, replace); err != nil {
		return err
	}
	probe, err := neighbour(path)
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}
