package terminal

// Style is how a word in a message looks.
type Style string

// The styles that messages use: one colour for each kind of line, no more.
const (
	Red    Style = "31"
	Yellow Style = "33"
	Cyan   Style = "36"
)

// Paint returns text in a style where Err may show colour, and text itself elsewhere. The
// empty style is none.
func (s Streams) Paint(style Style, text string) string {
	if style == "" || !s.Coloured() {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}
