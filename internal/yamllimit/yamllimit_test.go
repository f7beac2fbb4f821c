package yamllimit

import (
	"bytes"
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

// Manifests may be longer, and have more values then; not more for each of their bytes.
func TestCheckLong(t *testing.T) {
	honest := bytes.Repeat([]byte("    description: what a user should know of it, in some words\n"), 16<<20/63)
	if err := CheckLong(honest); err != nil || Check(honest) == nil {
		t.Errorf("CheckLong(%d bytes of CRDs) = %v, want nil where Check is %v", len(honest), err, Check(honest))
	}
	for _, piece := range []string{"{},", "---\n{}\n", "- a\n"} {
		text := []byte(strings.Repeat(piece, 16<<20/len(piece)))
		if err := CheckLong(text); !errors.Is(err, ErrLimit) {
			t.Errorf("CheckLong(%d bytes of %q) = %v, want ErrLimit", len(text), piece, err)
		}
	}
}
