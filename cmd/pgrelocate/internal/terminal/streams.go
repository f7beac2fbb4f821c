// Package terminal carries the three standard streams as a value, with the facts about
// them that decide how the program speaks. System describes the process's own streams;
// Test gives buffers in their place.
//
// The rules: results go to Out, everything else to Err; whatever shows progress, colour
// or a question asks the facts here and nothing else.
package terminal

import (
	"bytes"
	"context"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/pgrelocate/pgrelocate/internal/heed"
)

// Streams are the standard streams and what is known of them. The zero value of the
// facts means: not a terminal, no colour.
type Streams struct {
	In  io.Reader
	Out io.Writer
	// Err is for messages and progress.
	Err io.Writer
	// InTTY, OutTTY and ErrTTY tell which of them are terminals.
	InTTY, OutTTY, ErrTTY bool
	// Dumb says that the terminal cannot move its cursor (TERM=dumb).
	Dumb bool
	// Logged says that what looks like a terminal is kept as a log (CI is set, as CI systems do).
	Logged bool
	// NoColor says that the user wants no colour (NO_COLOR is set and not empty).
	NoColor bool
	// Columns tells how wide Err's terminal is now, in characters; nil or 0 means unknown.
	Columns func() int
}

// DefaultWidth stands where the width of the terminal is unknown.
const DefaultWidth = 80

// System returns the process's own streams. Getenv is os.Getenv but in tests.
func System(getenv func(string) string) Streams {
	return Streams{
		In:      os.Stdin,
		Out:     os.Stdout,
		Err:     os.Stderr,
		InTTY:   term.IsTerminal(int(os.Stdin.Fd())),
		OutTTY:  term.IsTerminal(int(os.Stdout.Fd())),
		ErrTTY:  term.IsTerminal(int(os.Stderr.Fd())),
		Dumb:    getenv("TERM") == "dumb",
		Logged:  inCI(getenv("CI")),
		NoColor: getenv("NO_COLOR") != "",
		Columns: func() int { return columns(os.Stderr) },
	}
}

// Test returns streams that read input and collect what is written.
func Test(input string) (streams Streams, out, err *bytes.Buffer) {
	out, err = new(bytes.Buffer), new(bytes.Buffer)
	return Streams{In: bytes.NewBufferString(input), Out: out, Err: err}, out, err
}

// Width is the width of Err's terminal in characters, DefaultWidth where it is unknown.
func (s Streams) Width() int {
	if s.Columns != nil {
		if n := s.Columns(); n > 0 {
			return n
		}
	}
	return DefaultWidth
}

// Animated tells whether Err can show a line that changes in place.
func (s Streams) Animated() bool { return s.ErrTTY && !s.Dumb && !s.Logged }

// Broken tells whether long messages are broken at blanks: where somebody reads them on a terminal. What is kept
// is searched, and has whole lines.
func (s Streams) Broken() bool { return s.ErrTTY && !s.Logged }

// inCI reads the variable CI, which most CI systems set to "true" or "1".
func inCI(value string) bool { return value != "" && value != "false" && value != "0" }

// Coloured tells whether Err may show colour.
func (s Streams) Coloured() bool { return s.ErrTTY && !s.Dumb && !s.NoColor }

// Secret reads a secret from the terminal, without showing what is typed. It must only be
// called where InTTY holds. Where ctx ends first, the terminal shows again what is typed.
func (s Streams) Secret(ctx context.Context) (string, error) {
	f, ok := s.In.(*os.File)
	if !ok {
		return "", io.ErrUnexpectedEOF
	}
	fd := int(f.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	secret, err := heed.Call(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	if ctx.Err() != nil {
		_ = term.Restore(fd, before)
	}
	return string(secret), err
}

func columns(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
