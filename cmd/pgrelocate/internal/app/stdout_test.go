package app

import (
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
)

// What is made for other programs has a chart's characters: a pipe gets each of them, a terminal none that could
// move its cursor or turn words round.
func TestWriteOutOnATerminal(t *testing.T) {
	const made = "a: \"\x1b[2J\r\u202e\"\n"
	for tty, want := range map[bool]string{false: made, true: `a: "\x1b[2J\x0d\x202e"` + "\n"} {
		streams, out, _ := terminal.Test("")
		streams.OutTTY = tty
		if err := New(streams, view.Build{}).WriteOut(OutFile{}, []byte(made)); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != want {
			t.Errorf("a terminal: %v; WriteOut(%q) writes %q, want %q", tty, made, got, want)
		}
	}
}
