package page

import (
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/browsertest"
)

// A browser shows the page on a telephone and on a desk, in light and dark: nothing lies beyond the edge,
// all text can be read, tables say what their cells are of, and the keyboard gets everywhere.
func TestInABrowser(t *testing.T) {
	text, err := Mirror(sample(t, "tame"))
	if err != nil {
		t.Fatal(err)
	}
	policy := "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
	if !strings.Contains(string(text), policy) {
		t.Fatal("the page does not forbid the browser to fetch or run anything")
	}
	browsertest.Each(t, strings.Replace(string(text), policy, "script-src 'unsafe-inline'", 1), func(t *testing.T, s browsertest.Seen) {
		s.CheckEdge(t)
		s.CheckColours(t, 8)
		if s.Headers == 0 || s.Unscoped > 0 || s.Nameless > 0 {
			t.Errorf("%d of %d header cells have no scope, %d sections no name", s.Unscoped, s.Headers, s.Nameless)
		}
		if len(s.Tabs) < 5 || s.Tabs[0][0] != "A" {
			t.Errorf("the keyboard reaches %v", s.Tabs)
		}
		for i, tab := range s.Tabs {
			if tab[1] != 0.0 || tab[2] != true || tab[3] != true {
				t.Errorf("stop %d of the keyboard is %v", i, tab)
			}
		}
	})
}
