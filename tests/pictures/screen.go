package pictures

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// columns is how wide the terminal is.
const columns = 80

// cell is a character with its colour, the number of an SGR sequence; 0 is none.
type cell struct {
	r      rune
	colour int
}

// screen is a terminal that has as many lines as it needs. It knows what the program sends, and says
// so where it is sent something else: a picture that leaves something out would be a false one.
type screen struct {
	lines       [][]cell
	row, column int
	colour      int
}

// write shows what was sent to the terminal.
func (s *screen) write(sent string) error {
	for len(sent) > 0 {
		if strings.HasPrefix(sent, "\x1b") {
			n, err := s.escape(sent)
			if err != nil {
				return err
			}
			sent = sent[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(sent)
		sent = sent[n:]
		switch {
		case r == '\r':
			s.column = 0
		case r == '\n':
			s.row, s.column = s.row+1, 0
		case r == '\t':
			s.column = min(s.column/8*8+8, columns-1)
		case r < ' ' || r == utf8.RuneError:
			return fmt.Errorf("the terminal does not know %q", r)
		default:
			s.put(r)
		}
	}
	return nil
}

// escape takes a sequence that chooses a colour, "\x1b[31m", and returns how long it is.
func (s *screen) escape(sent string) (int, error) {
	var colour int
	end := strings.IndexByte(sent, 'm')
	if end < 0 || end > 5 {
		return 0, fmt.Errorf("the terminal does not know %.8q", sent)
	}
	if _, err := fmt.Sscanf(sent[:end+1], "\x1b[%dm", &colour); err != nil {
		return 0, fmt.Errorf("the terminal does not know %q: %w", sent[:end+1], err)
	}
	s.colour = colour
	return end + 1, nil
}

// put writes a character; behind the last column it goes on in the next line.
func (s *screen) put(r rune) {
	if s.column == columns {
		s.row, s.column = s.row+1, 0
	}
	for len(s.lines) <= s.row {
		s.lines = append(s.lines, nil)
	}
	for len(s.lines[s.row]) <= s.column {
		s.lines[s.row] = append(s.lines[s.row], cell{r: ' '})
	}
	s.lines[s.row][s.column] = cell{r, s.colour}
	s.column++
}

// text is what can be read of a line.
func text(line []cell) string {
	var b strings.Builder
	for _, c := range line {
		b.WriteRune(c.r)
	}
	return strings.TrimRight(b.String(), " ")
}
