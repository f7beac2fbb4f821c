//go:build !linux

package files

import (
	"errors"
	"os"
)

// nameless makes a file without a name, which this system cannot.
func nameless(string) (*os.File, error) { return nil, errors.ErrUnsupported }

// giveName gives such a file a name.
func giveName(*os.File, string) error { return errors.ErrUnsupported }
