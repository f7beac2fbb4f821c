package progress

import "github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"

// Mode is how progress is shown.
type Mode int

// The modes of progress.
const (
	// None shows nothing.
	None Mode = iota
	// Lines writes a line now and then, as a log wants it.
	Lines
	// Bar keeps one line of a terminal up to date.
	Bar
)

// ModeOf chooses the mode from the facts about the streams and the user's wish for silence.
func ModeOf(streams terminal.Streams, silent bool) Mode {
	switch {
	case silent:
		return None
	case streams.Animated():
		return Bar
	default:
		return Lines
	}
}
