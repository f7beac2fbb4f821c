package catalogue_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
)

// The page's examples are catalogue files.
func TestDocsExamplesLoad(t *testing.T) {
	page, err := os.ReadFile("../../../docs/catalogue.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(examples) == 0 {
		t.Fatal("docs/catalogue.md has no example")
	}
	for i, example := range examples {
		if _, err := catalogue.Merge(catalogue.Builtin(), "example", []byte(example[1])); err != nil {
			t.Errorf("example %d of docs/catalogue.md: %v", i+1, err)
		}
	}
}
