package app

import (
	"io"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/files"
)

// OutFile is where a command puts what it makes for other programs: a file, or standard output where
// none is named or it is called "-".
type OutFile struct {
	Path string
	// Overwrite lets it replace a file that is there.
	Overwrite bool
}

// IsStdout tells whether it is standard output.
func (f OutFile) IsStdout() bool { return f.Path == "" || f.Path == "-" }

// Check finds out whether it can be written, before anything is asked of anybody.
func (f OutFile) Check() error {
	if f.IsStdout() {
		return nil
	}
	return exit.Misnamed(files.CheckWritable(f.Path, f.Overwrite))
}

// WriteOut writes it.
func (a *App) WriteOut(f OutFile, body []byte) error {
	return a.WriteOutBy(f, func(to io.Writer) error {
		_, err := to.Write(body)
		return err
	})
}

// WriteOutBy writes what a function writes.
func (a *App) WriteOutBy(f OutFile, write func(io.Writer) error) error {
	if f.IsStdout() {
		return write(a.Out)
	}
	return files.WriteBy(f.Path, 0o644, f.Overwrite, write)
}
