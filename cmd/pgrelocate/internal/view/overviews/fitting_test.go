package overviews

import (
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
)

// On a terminal of 80 characters no line of these is broken; a pipe gets every column.
func TestTablesFit(t *testing.T) {
	side := &sideView{Digest: "sha256:5b0bcabd1ed22e9fb1310cf6c2dec7cdef19f0ad69efa1f392e94a4333501270"}
	used := &sideView{Digest: side.Digest, UsedBy: "Pod prod/db-0"}
	const name = "postgres-instance:v17.5-lite-v4.3.1"
	for _, tt := range []struct {
		name                 string
		table                view.Fitting
		narrow, left, always string
	}{
		{"products", NewProducts(catalogue.Builtin().Products()), "  Tanzu for Postgres on Kubernetes\n", "EXTRAS", "TITLE"},
		{"a comparison", Comparison{Differences: []differenceView{{name, "other content", side, side}}}, "", "SECOND", "DIFFERENCE"},
		{"a cluster", Comparison{Differences: []differenceView{{name, "only in the second", nil, used}}}, "  Pod prod/db-0\n", "FIRST", "USED BY"},
	} {
		for _, width := range []int{80, 0} {
			var text strings.Builder
			if err := tt.table.Fit(width).WriteTable(&text); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(text.String()) {
				if n := len(strings.TrimSuffix(line, "\n")); width > 0 && n > width {
					t.Errorf("%s: a line of %d characters: %s", tt.name, n, line)
				}
			}
			got := text.String()
			if !strings.Contains(got, tt.narrow) || !strings.Contains(got, tt.always) || strings.Contains(got, tt.left) == (width > 0) {
				t.Errorf("%s in %d characters:\n%s", tt.name, width, got)
			}
		}
	}
}
