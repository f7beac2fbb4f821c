package yamllimit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What is written for what it says passes, however long it is; what is made of signs alone does not.
func TestCheck(t *testing.T) {
	honest := new(strings.Builder)
	for i := 0; honest.Len() < 2<<20; i++ {
		fmt.Fprintf(honest, "  setting%d: value-%d\n", i, i)
	}
	if err := Check([]byte(honest.String())); err != nil {
		t.Errorf("Check(%d bytes of settings) = %v", honest.Len(), err)
	}
	for _, piece := range []string{"{},", "[", "-\n", "- ", "a,", "? \n", "a:\n"} {
		text := []byte(strings.Repeat(piece, 2<<20/len(piece)))
		if err := Check(text); !errors.Is(err, ErrLimit) {
			t.Errorf("Check(%d bytes of %q) = %v, want ErrLimit", len(text), piece, err)
		}
	}
}
