package config

// Words in the place of files' names.
const (
	// Stdout is standard output.
	Stdout = "-"
	// Auto is the file that the CI system names, and none where it names none.
	Auto = "auto"
)

// special is a path, or one word that is none.
type special struct {
	target *string
	word   string
}

func (s *special) Set(text string) error { *s.target = text; return nil }
func (s *special) String() string        { return *s.target }
func (s *special) Type() string          { return "file" }

// isWord tells whether text is the word, and names no file.
func (s *special) isWord(text string) bool { return text == s.word }
