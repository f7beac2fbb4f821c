package schema

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

const page = "../../../docs/catalogue.md"

// Every key of the schema is explained, so that a key cannot be added and forgotten.
func TestDocsExplainEveryKey(t *testing.T) {
	text := readPage(t)
	types := []reflect.Type{
		reflect.TypeFor[Product](), reflect.TypeFor[Cluster](), reflect.TypeFor[Kind](), reflect.TypeFor[Requires](),
		reflect.TypeFor[Accept](), reflect.TypeFor[Shape](), reflect.TypeFor[Axis](), reflect.TypeFor[Image](),
		reflect.TypeFor[Chart](), reflect.TypeFor[Value](), reflect.TypeFor[Object](), reflect.TypeFor[Release](),
		reflect.TypeFor[Override](), reflect.TypeFor[Discover](),
	}
	for _, typ := range types {
		for _, field := range reflect.VisibleFields(typ) {
			if key, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); !strings.Contains(text, "`"+key+"`") {
				t.Errorf("docs/catalogue.md does not explain the key %s of %s", key, typ)
			}
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
