package main

import (
	"errors"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// size is a flag for a number of bytes: 4GiB, 700MB, 0.
type size int64

func (s *size) Set(text string) error {
	bytes, err := humanize.ParseBytes(text)
	if err != nil || bytes > 1<<60 {
		return errors.New("must be a size such as 4GiB")
	}
	*s = size(bytes)
	return nil
}

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	return strings.ReplaceAll(output.Bytes(int64(*s)), " ", "")
}

func (s *size) Type() string { return "size" }
