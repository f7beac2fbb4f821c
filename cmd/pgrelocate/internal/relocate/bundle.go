package relocate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
)

// BundleFile is a bundle that is to be read.
type BundleFile struct {
	// Files are the bundle, or one of its volumes with those that lie elsewhere.
	Files []string
	// Stream is read instead of the files; nil where there are some.
	Stream io.Reader
	// AnyTarget lets a bundle go outside of the products' folders when it is loaded.
	AnyTarget bool
	// Options are those for opening it, without the catalogue and the volumes.
	Options bundle.OpenOptions
}

// Given tells whether there is one.
func (f BundleFile) Given() bool { return len(f.Files) > 0 || f.Stream != nil }

// OpenBundle opens a bundle. What is wrong with it is a verification that failed; one that is not
// there was named wrongly, and so was a folder that has nothing of one.
func (s *Session) OpenBundle(ctx context.Context, file BundleFile) (*bundle.Bundle, error) {
	catalogue, err := s.Catalogue()
	if err != nil {
		return nil, err
	}
	opts := file.Options
	opts.Catalogue = catalogue
	// A bundle may name a hundred thousand things. Reading that leaves as much garbage as it keeps.
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	var b *bundle.Bundle
	if file.Stream != nil {
		b, err = bundle.OpenReader(ctx, file.Stream, opts)
	} else {
		opts.Volumes = file.Files[1:]
		b, err = bundle.Open(ctx, file.Files[0], opts)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, exit.Misnamed(err)
	case errors.Is(err, archive.ErrOtherFolder):
		return nil, &exit.UsageError{Err: err}
	}
	if err == nil {
		s.tellAstray(b)
	}
	return b, Corrupt(err)
}

// tellAstray says what of an archive of another tool will not be loaded.
func (s *Session) tellAstray(b *bundle.Bundle) {
	const shown = 5
	astray := b.Astray()
	if len(astray) == 0 {
		return
	}
	text := strings.Join(astray[:min(shown, len(astray))], ", ")
	if more := len(astray) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	s.Warn(fmt.Sprintf("left out, for no name with a registry and a tag leads there: %s", text))
}

// OpenChecked opens a bundle and reads every byte of it, unless that is not wanted.
func (s *Session) OpenChecked(ctx context.Context, file BundleFile, unchecked bool) (*bundle.Bundle, error) {
	b, err := s.OpenBundle(ctx, file)
	if err != nil || unchecked {
		return b, err
	}
	s.Note("checking %s", output.Bytes(b.Size()))
	if err := s.CheckBundle(ctx, b); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// CheckBundle reads every byte of an open bundle.
func (s *Session) CheckBundle(ctx context.Context, b *bundle.Bundle) error {
	meter := new(registry.Meter)
	stop := s.Progress(meter)
	err := b.Verify(ctx, bundle.VerifyOptions{Meter: meter})
	stop()
	if err == nil {
		s.Detail("every byte is right: %s", output.Bytes(meter.BytesDone.Load()))
	}
	return Corrupt(err)
}

// Corrupt marks what was found wrong with a bundle, as against files that cannot be read, and
// a disk on which there is no room for what has to be kept.
func Corrupt(err error) error {
	var file *fs.PathError
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, exit.ErrInterrupted):
		return err
	case errors.As(err, &file), errors.Is(err, archive.ErrNoSpace):
		return err
	default:
		return &exit.VerificationError{Err: err}
	}
}
