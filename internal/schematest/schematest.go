// Package schematest holds published JSON Schemas against what the code makes of its types.
package schematest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Object is a part of a schema; encoding/json sorts its keys.
type Object = map[string]any

var update = flag.Bool("update", false, "write the published schema instead of checking it")

// ID is the address of a published schema, "lock".
func ID(name string) string {
	return "https://raw.githubusercontent.com/pgrelocate/pgrelocate/main/docs/schema/" + name + ".schema.json"
}

// file is where it lies, seen from a package three folders down.
func file(name string) string { return "../../../docs/schema/" + name + ".schema.json" }

// Published wants the schema of a name to be what the code makes; with -update it is written first.
func Published(t *testing.T, name string, made Object) {
	t.Helper()
	file := file(name)
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(made); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("%s is not what the code reads; `make docs` writes it (-want +got):\n%s", file, diff)
	}
}

// Compile reads a published schema.
func Compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(file(name))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// Validate holds a JSON document against a schema; the error says what does not follow it.
func Validate(t *testing.T, schema *jsonschema.Schema, document []byte) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}
