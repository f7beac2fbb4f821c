package versions_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/errortest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
)

// other is the built-in catalogue with the products of testdata beside it.
func other(t *testing.T) *versions.Catalogue {
	t.Helper()
	files, err := filepath.Glob("catalogue/testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob(catalogue/testdata/*.yaml) = %v, %v, want files", files, err)
	}
	c, err := catalogue.Load(files...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRelease(t *testing.T) {
	p, _ := catalogue.Builtin().Product("tanzu")
	tests := []struct{ in, want, bad string }{
		{in: "", want: "v4.3.1"},
		{in: "latest", want: "v4.3.1"},
		{in: "v4.0.0", want: "v4.0.0"},
		{in: "4.0.0", want: "v4.0.0"},
		{in: "v4.3.2", bad: "v4.3.2 is not a known release of tanzu; it has v4.3.1, v4.0.0, v2.0.1, v1.5.0"},
	}
	for _, tt := range tests {
		r, err := p.Release(tt.in)
		if errortest.Message(err) != tt.bad || (err == nil && r.Name != tt.want) {
			t.Errorf("Release(%q) = %v, %q, want %s, %q", tt.in, r, errortest.Message(err), tt.want, tt.bad)
		}
	}
	if _, err := catalogue.Builtin().Product("tanzoo"); !strings.HasPrefix(errortest.Message(err), "tanzoo is not a product of the catalogue; did you mean tanzu? it has ") {
		t.Errorf("Product(tanzoo) = %v, want tanzu suggested", err)
	}
}

func TestProductWords(t *testing.T) {
	c := other(t)
	var names []string
	for _, p := range c.Products() {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); !strings.HasPrefix(got, "c") || !strings.Contains(got, "old-cert-manager old-cnpg pgo tanzu") {
		t.Errorf("Products() = %s, want all by name", got)
	}
	p, _ := c.Product("tanzu")
	if diff := cmp.Diff([]versions.Edition{versions.Full, versions.Lite}, p.Editions()); diff != "" {
		t.Errorf("Editions() differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ferretdb"}, p.Extras()); diff != "" {
		t.Errorf("Extras() differ (-want +got):\n%s", diff)
	}
}
