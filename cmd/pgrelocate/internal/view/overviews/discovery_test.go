package overviews

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// On a terminal the list of versions ends where the line does; elsewhere it is whole.
func TestDiscoveryFits(t *testing.T) {
	mirrored := false
	all := []string{"17.5", "17.4", "16.9", "16.8", "15.13", "15.12", "14.18", "14.17", "13.21", "13.20"}
	v := Discovery{Current: "v4.0.0", Newest: "v4.3.1", Releases: []discoveredView{
		{Release: "v4.3.1", Mirrored: &mirrored, Editions: []string{"full", "lite"}, Basis: "catalogue", Versions: all},
		{Release: "v1.5.0", Mirrored: &mirrored, Basis: "tags", Versions: []string{"14.1", "13.5"}},
	}}
	write := func(w int) []string {
		var text strings.Builder
		if err := v.Fit(w).(Discovery).WriteTable(&text); err != nil {
			t.Fatal(err)
		}
		return strings.Split(text.String(), "\n")
	}
	if whole := write(0)[1]; !strings.HasSuffix(whole, strings.Join(all, ",")) {
		t.Errorf("without a width the line is %q, want all versions", whole)
	}
	lines := write(80)
	for _, line := range lines {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("the line %q has more than 80 columns", line)
		}
	}
	if !strings.HasSuffix(lines[1], "17.5,17.4,16.9,…") || !strings.HasSuffix(lines[2], "14.1,13.5") {
		t.Errorf("the lines are %q, want the first list cut and the second whole", lines[1:3])
	}
}
