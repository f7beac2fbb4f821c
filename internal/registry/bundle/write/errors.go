package write

import (
	"errors"
	"fmt"
)

// BundleError says that a bundle cannot be written. errors.Is tells os.ErrExist, the errors of this package,
// and what the system says of a disk.
type BundleError struct {
	// Path is the bundle, or the file that stands in its way.
	Path string
	Err  error
}

// Error names the file and the cause.
func (e *BundleError) Error() string { return fmt.Sprintf("writing %s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *BundleError) Unwrap() error { return e.Err }

// Errors that callers tell apart with errors.Is.
var (
	// ErrStray: a file would count as a volume of the bundle, and is of no bundle.
	ErrStray = errors.New("it would count as a volume of this bundle, and is of no bundle that is there")
	// ErrFolder: the bundle's name is that of a folder.
	ErrFolder = errors.New("it is a folder")
	// ErrNoSpace: the bundle does not fit on the disk. Nothing was fetched.
	ErrNoSpace = errors.New("not enough disk space")
	// ErrBusy: another process writes this bundle.
	ErrBusy = errors.New("another save is writing it")
)
