package flagset

import (
	"errors"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// Size is a flag for a number of bytes: 4GiB, 700MB, 0.
type Size int64

// Set reads a number of bytes.
func (s *Size) Set(text string) error {
	bytes, err := humanize.ParseBytes(text)
	if err != nil || bytes > 1<<60 {
		return errors.New("must be a size such as 4GiB")
	}
	*s = Size(bytes)
	return nil
}

// String is how the help shows it.
func (s *Size) String() string {
	if *s == 0 {
		return ""
	}
	return strings.ReplaceAll(output.Bytes(int64(*s)), " ", "")
}

// Type is what the help calls a value.
func (s *Size) Type() string { return "size" }
