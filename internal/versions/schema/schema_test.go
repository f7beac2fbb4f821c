package schema

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/schematest"
)

type object = schematest.Object

// The published schema is what the code reads, with what the page says of each key.
func TestSchema(t *testing.T) {
	schematest.Published(t, "catalogue", newSchema(readPage(t)))
}

// Every built-in file, and the examples of the page, follow the schema.
func TestSchemaTakesFiles(t *testing.T) {
	schema := schematest.Compile(t, "catalogue")
	files, err := filepath.Glob("../catalogue/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob(catalogue) = %v, %v, want files", files, err)
	}
	texts := map[string]string{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(data)
	}
	for _, example := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readPage(t), -1) {
		texts[example[1]] = example[1]
	}
	for name, text := range texts {
		if err := validate(t, schema, text); err != nil {
			t.Errorf("Validate(%s) = %v, want nil", name, err)
		}
	}
}

// What the program refuses for its keys, an editor shows.
func TestSchemaRefuses(t *testing.T) {
	schema := schematest.Compile(t, "catalogue")
	tests := map[string]string{
		"an unknown key":           "product: x\nreleasess: {}\n",
		"no product":               "title: x\n",
		"a product's name":         "product: X y\n",
		"an image without a name":  "product: x\nshapes: {a: {images: [{repository: r}]}}\n",
		"a place without a reason": "product: x\naccept: [{kind: ConfigMap, path: data}]\n",
		"a version without one":    "product: x\nreleases: {\"1\": {versions: [{os: [trixie]}]}}\n",
		"a word for a list":        "product: x\nreleases: {\"1\": {versions: [{version: 17.5, os: trixie}]}}\n",
		"a word for true":          "product: x\nshapes: {a: {images: [{name: i, repository: r, optional: maybe}]}}\n",
		"a key of old":             "product: x\nshapes: {a: {instances: []}}\n",
	}
	for name, text := range tests {
		if err := validate(t, schema, text); err == nil {
			t.Errorf("Validate(%s) = nil, want an error", name)
		}
		if _, err := Parse([]byte(text)); err == nil && strings.Contains(name, "unknown") {
			t.Errorf("parseSpec(%s) = nil, want an error too", name)
		}
	}
}

func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return schematest.Validate(t, schema, data)
}

// newSchema makes the schema of catalogue files from the types that read them.
func newSchema(page string) object {
	b := schemaBuilder{explained: explained(page), defs: object{}}
	root := b.of(reflect.TypeFor[Product]())
	root["required"] = []string{"product"} // the rest may be in another file
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = schematest.ID("catalogue")
	root["title"] = "A catalogue file of pgrelocate"
	root["$defs"] = b.defs
	return root
}

type schemaBuilder struct {
	explained []map[string]string
	defs      object
}

// tables are the types that the page's tables explain, in their order.
var tables = []reflect.Type{
	reflect.TypeFor[Product](), reflect.TypeFor[Shape](), reflect.TypeFor[Image](), reflect.TypeFor[Chart](),
	reflect.TypeFor[Value](), reflect.TypeFor[Release](), reflect.TypeFor[Cluster](),
}

var tableRow = regexp.MustCompile("^\\| (`[^|]*) \\| ([^|]*) \\|$")

// explained is what each of the page's tables says of keys.
func explained(page string) []map[string]string {
	var all []map[string]string
	inside := false
	for line := range strings.Lines(page) {
		row := tableRow.FindStringSubmatch(strings.TrimSpace(line))
		switch {
		case strings.HasPrefix(line, "|---"):
			inside = true
			all = append(all, map[string]string{})
		case row == nil || !inside:
			inside = inside && row != nil
		default:
			for key := range strings.SplitSeq(row[1], ",") {
				all[len(all)-1][strings.Trim(key, "` ")] = strings.ReplaceAll(row[2], "`", "")
			}
		}
	}
	return all
}

func (b schemaBuilder) explain(of reflect.Type, key string) string {
	for i, typ := range tables {
		if typ == of && i < len(b.explained) {
			return b.explained[i][key]
		}
	}
	return ""
}

// of is the schema of a type; that of a struct other than the whole is kept apart.
func (b schemaBuilder) of(typ reflect.Type) object {
	switch {
	case typ == reflect.TypeFor[Version]():
		return versionSchema()
	case typ.Kind() == reflect.Pointer:
		return b.of(typ.Elem())
	case typ.Kind() == reflect.Interface:
		return object{}
	case typ.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case typ.Kind() == reflect.Slice:
		return object{"type": "array", "items": b.of(typ.Elem())}
	case typ.Kind() == reflect.Map:
		return object{"type": "object", "additionalProperties": b.of(typ.Elem())}
	case typ.Kind() != reflect.Struct:
		return object{"type": []string{"string", "number"}} // 17.5 is a number to YAML
	case typ == reflect.TypeFor[Product]():
		return b.mapping(typ)
	}
	name := strings.ToLower(typ.Name()[:1]) + typ.Name()[1:]
	if b.defs[name] == nil {
		b.defs[name] = object{} // a type that contains itself ends here
		b.defs[name] = b.mapping(typ)
	}
	return object{"$ref": "#/$defs/" + name}
}

// mapping is the schema of a struct: what cannot be left out of it is required.
func (b schemaBuilder) mapping(typ reflect.Type) object {
	properties, required := object{}, []string{}
	for _, field := range reflect.VisibleFields(typ) {
		key, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		property := b.of(field.Type)
		if text := b.explain(typ, key); text != "" {
			property["description"] = text
		}
		if typ == reflect.TypeFor[Product]() && key == "product" {
			property["type"], property["pattern"] = "string", namePattern.String()
		}
		properties[key] = property
		if options == "" {
			required = append(required, key)
		}
	}
	made := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		made["required"] = required
	}
	return made
}

// versionSchema is what versionSpec reads.
func versionSchema() object {
	word := object{"type": []string{"string", "number"}}
	return object{"anyOf": []object{word, {
		"type": "object", "required": []string{"version"}, "properties": object{"version": word},
		"additionalProperties": object{"type": "array", "items": word},
	}}}
}
