package versions

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const page = "../../docs/catalogue.md"

// Every key of the schema is explained, so that a key cannot be added and forgotten.
func TestDocsExplainEveryKey(t *testing.T) {
	text := readPage(t)
	types := []reflect.Type{
		reflect.TypeFor[productSpec](), reflect.TypeFor[clusterSpec](), reflect.TypeFor[kindSpec](), reflect.TypeFor[requiresSpec](),
		reflect.TypeFor[acceptSpec](), reflect.TypeFor[shapeSpec](), reflect.TypeFor[axisSpec](), reflect.TypeFor[imageSpec](),
		reflect.TypeFor[chartSpec](), reflect.TypeFor[valueSpec](), reflect.TypeFor[objectSpec](), reflect.TypeFor[releaseSpec](),
		reflect.TypeFor[overrideSpec](), reflect.TypeFor[discoverSpec](),
	}
	for _, typ := range types {
		for _, field := range reflect.VisibleFields(typ) {
			if key, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); !strings.Contains(text, "`"+key+"`") {
				t.Errorf("docs/catalogue.md does not explain the key %s of %s", key, typ)
			}
		}
	}
}

// The page's examples are catalogue files.
func TestDocsExamplesLoad(t *testing.T) {
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readPage(t), -1)
	if len(examples) == 0 {
		t.Fatal("docs/catalogue.md has no example")
	}
	for i, example := range examples {
		if _, err := Builtin().Merge("example", []byte(example[1])); err != nil {
			t.Errorf("example %d of docs/catalogue.md: %v", i+1, err)
		}
	}
}

func readPage(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
