// Package suggest says of a name that does not exist what exists instead, and which of that was
// probably meant.
package suggest

import (
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// UnknownError says that something selected does not exist, and what does. It is found
// before any request is sent.
type UnknownError struct {
	// Name is what was asked for, "17.6".
	Name string
	// Where ends the sentence "17.6 is not …", "in v4.3.1".
	Where string
	// Have is what exists instead, nearest first; it may be empty.
	Have []string
	// Suggestion is the name that was probably meant; empty where none is near.
	Suggestion string
}

// Error is "17.6 is not in v4.3.1; it has 17.5, 17.4".
func (e *UnknownError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s is not %s", ref.Quote(e.Name), e.Where)
	if e.Suggestion != "" {
		fmt.Fprintf(&s, "; did you mean %s?", e.Suggestion)
	}
	if len(e.Have) > 0 {
		separator := ";"
		if e.Suggestion != "" {
			separator = ""
		}
		fmt.Fprintf(&s, "%s it has %s", separator, strings.Join(e.Have, ", "))
	}
	return s.String()
}

// Unknown is an UnknownError that suggests the nearest of have.
func Unknown(name, where string, have []string) *UnknownError {
	return &UnknownError{Name: name, Where: where, Have: have, Suggestion: Nearest(name, have)}
}

// Nearest returns the candidate that word was probably meant to be: the one that takes
// the fewest keystrokes to mend, at most a third of the word's length. It is empty where
// nothing is that near. Letter case does not count.
func Nearest(word string, candidates []string) string {
	const longest = 100 // nobody mistypes a paragraph, and the cost is quadratic
	if len(word) > longest {
		return ""
	}
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, candidate := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance counts the insertions, deletions, substitutions and swaps of neighbours that
// turn a into b (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			substitute := rows[i-1][j-1]
			if x[i-1] != y[j-1] {
				substitute++
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, substitute)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}
