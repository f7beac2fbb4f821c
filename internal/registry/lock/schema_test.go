package lock

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/schematest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

type object = schematest.Object

// The published schema is what the code writes and reads, with what the code says of each field.
func TestSchema(t *testing.T) {
	schematest.Published(t, "lock", newSchema(t))
}

// Locks follow the schema with everything in them, and with the least; what the program refuses for
// its fields the schema refuses too.
func TestSchemaTakesLocks(t *testing.T) {
	schema := schematest.Compile(t, "lock")
	full := string(everything().Marshal())
	for _, text := range []string{full, string((&Lock{Schema: Schema}).Marshal())} {
		if _, err := Parse([]byte(text)); err != nil {
			t.Errorf("Parse() = %v", err)
		}
		if err := schematest.Validate(t, schema, []byte(text)); err != nil {
			t.Errorf("Validate(%s) = %v", text, err)
		}
	}
	for _, change := range [][2]string{
		{`"planned"`, `"plant"`}, {`"product"`, `"produce"`}, {Schema, "pgrelocate.lock/v9"}, {`"digest": "sha256:`, `"digest": "md5:`},
		{`"role": "instance"`, `"role": "virus"`}, {`"size": 1034`, `"size": "1034"`},
	} {
		text := strings.Replace(full, change[0], change[1], 1)
		if schematest.Validate(t, schema, []byte(text)) == nil {
			t.Errorf("Validate(with %s) = nil, want an error", change[1])
		}
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("Parse(with %s) = nil, want an error too", change[1])
		}
	}
}

// everything is a lock in which every field says something.
func everything() *Lock {
	digest := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	source := ref.Reference{Host: "vendor.example.com", Repository: "postgres-instance", Tag: "v17.5-v4.3.1"}
	target := ref.Reference{Host: "registry.example.com", Repository: "pg/postgres-instance", Tag: "v17.5-v4.3.1"}
	signed := target
	signed.Tag = "sha256-" + digest.Hex + ".sig"
	words := []string{"x"}
	return &Lock{
		Schema: Schema, Planned: true,
		Selection: &Selection{
			Product: "tanzu", Releases: []string{"v4.3.1"}, Versions: "17.5", Editions: words, Extras: words, Axes: map[string][]string{"os": words},
			Prerequisites: words, ChartImages: true, Platforms: words, Index: "sparse", WithoutAttachments: true, Sources: words, Registry: "registry.example.com",
		},
		Artifacts: []Artifact{{
			Artifact: versions.Artifact{
				Product: "tanzu", Release: "v4.3.1", Role: versions.RoleInstance, Extra: "x", Name: "x", Versions: []postgres.Version{{Major: 17, Minor: 5}},
				Edition: versions.Full, Axes: map[string]string{"os": "trixie"}, Source: source, ChartURL: "https://charts.example.com", Target: target,
			},
			Base: "pg", Digest: digest, MediaType: "application/vnd.oci.image.index.v1+json", Size: 1034, Bytes: 5,
			Platforms: []string{"linux/amd64"}, Left: []v1.Hash{digest}, Attachments: []v1.Hash{digest}, Held: &digest, Retired: true,
		}},
		Attachments: []Attachment{{Source: source, Target: signed, Base: "pg", Digest: digest, MediaType: "a/b", Size: 1}},
		Blobs:       []Blob{{Digest: digest, Size: 5, Repositories: []string{"pg/postgres-instance"}, Omitted: true, Held: true, Artifacts: []int{0}}},
	}
}

// newSchema makes the schema of locks from the types that are written and read.
func newSchema(t *testing.T) object {
	b := schemaBuilder{says: map[string]string{}, defs: object{}}
	for _, folder := range []string{".", "../../versions"} {
		b.explain(t, folder)
	}
	root := b.mapping(reflect.TypeFor[Lock]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = schematest.ID("lock")
	root["title"] = "A lock of pgrelocate"
	root["properties"].(object)["schema"] = object{"const": Schema, "description": "Which form the lock has."}
	root["$defs"] = b.defs
	return root
}

type schemaBuilder struct {
	// says is what the code says of fields, by "package.Type.Field".
	says map[string]string
	defs object
}

// explain reads the comments on the fields of a package's types.
func (b schemaBuilder) explain(t *testing.T, folder string) {
	t.Helper()
	packages, err := parser.ParseDir(token.NewFileSet(), folder, func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, parser.ParseComments) //nolint:staticcheck // enough for comments
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range packages {
		for _, typ := range doc.New(pkg, folder, doc.AllDecls|doc.PreserveAST).Types {
			structure, ok := typ.Decl.Specs[0].(*ast.TypeSpec).Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					b.says[pkg.Name+"."+typ.Name+"."+name.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
				}
			}
		}
	}
}

func (b schemaBuilder) of(typ reflect.Type) object {
	switch typ {
	case reflect.TypeFor[v1.Hash]():
		return object{"type": "string", "pattern": "^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$"}
	case reflect.TypeFor[ref.Reference]():
		return object{"type": "string", "pattern": "^[^/]*/[^@]+(@.+)?$"}
	case reflect.TypeFor[postgres.Version]():
		return object{"type": "string"}
	case reflect.TypeFor[versions.Role]():
		return object{"enum": roles}
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return b.of(typ.Elem())
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer", "minimum": 0}
	case reflect.Slice:
		return object{"type": "array", "items": b.of(typ.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": b.of(typ.Elem())}
	case reflect.Struct:
		name := strings.ToLower(typ.Name())
		b.defs[name] = b.mapping(typ)
		return object{"$ref": "#/$defs/" + name}
	default:
		return object{"type": "string"}
	}
}

// mapping is the schema of a struct: what is written always is required.
func (b schemaBuilder) mapping(typ reflect.Type) object {
	properties, required := object{}, []string{}
	for _, field := range reflect.VisibleFields(typ) {
		key, options, tagged := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous || key == "" {
			continue
		}
		property := b.of(field.Type)
		owner := typ.String()
		if len(field.Index) > 1 {
			owner = reflect.TypeFor[versions.Artifact]().String()
		}
		if text := b.says[owner+"."+field.Name]; text != "" && property["$ref"] == nil {
			property["description"] = text
		}
		properties[key] = property
		if !tagged || options == "" {
			required = append(required, key)
		}
	}
	return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}
