package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// viewsReference describes every result from its Go type: a struct that embeds
// output.Header, with the structs that it refers to. Names come from the json tags,
// explanations from the fields' comments.
func viewsReference(t *testing.T) string {
	t.Helper()
	r := newReference(t, "view", "view/*")
	for _, name := range sorted(r.structs) {
		if r.isView(name) {
			r.describe(name)
		}
	}
	return r.text.String()
}

type reference struct {
	structs map[string]*ast.TypeSpec
	// kinds are the words in the header of each view.
	kinds map[string]string
	text  strings.Builder
	// described are the types that have their section.
	described []string
}

// newReference reads the struct types of packages.
func newReference(t *testing.T, names ...string) *reference {
	t.Helper()
	var files []string
	for _, name := range names {
		found, err := filepath.Glob(filepath.Join("internal", name, "*.go"))
		if err != nil || len(found) == 0 {
			t.Fatalf("Glob(%s) = %v, %v, want files", name, found, err)
		}
		files = append(files, found...)
	}
	r := &reference{structs: map[string]*ast.TypeSpec{}, kinds: map[string]string{}}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, r.collect)
	}
	return r
}

// collect notes struct types, and the kinds that literals of views have in their header.
func (r *reference) collect(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		for _, spec := range n.Specs {
			if spec, ok := spec.(*ast.TypeSpec); ok {
				if _, ok := spec.Type.(*ast.StructType); ok {
					if spec.Doc == nil {
						spec.Doc = n.Doc
					}
					r.structs[spec.Name.Name] = spec
				}
			}
		}
	case *ast.CompositeLit:
		name, ok := n.Type.(*ast.Ident)
		for _, element := range n.Elts {
			pair, isPair := element.(*ast.KeyValueExpr)
			if !ok || !isPair {
				continue
			}
			if call, ok := pair.Value.(*ast.CallExpr); ok && len(call.Args) == 1 {
				if kind, ok := call.Args[0].(*ast.BasicLit); ok && fmt.Sprint(pair.Key) == "Header" {
					r.kinds[name.Name] = strings.Trim(kind.Value, `"`)
				}
			}
		}
	}
	return true
}

func (r *reference) fields(name string) []*ast.Field {
	return r.structs[name].Type.(*ast.StructType).Fields.List
}

func (r *reference) isView(name string) bool {
	for _, field := range r.fields(name) {
		if selector, ok := field.Type.(*ast.SelectorExpr); ok && len(field.Names) == 0 && selector.Sel.Name == "Header" {
			return true
		}
	}
	return false
}

// describe writes the section of a type, and then those of the types it refers to.
func (r *reference) describe(name string) {
	if slices.Contains(r.described, name) {
		return
	}
	r.described = append(r.described, name)
	heading := "###"
	if r.isView(name) {
		heading = "##"
	}
	fmt.Fprintf(&r.text, "\n%s %s\n\n%s\n\n| field | type | |\n|---|---|---|\n", heading, r.title(name), r.about(name))
	if r.isView(name) {
		fmt.Fprintf(&r.text, "| `schemaVersion` | number | %d |\n| `kind` | string | `%s` |\n", output.SchemaVersion, r.kinds[name])
	}
	var mentioned []string
	r.rows(name, &mentioned)
	for _, other := range mentioned {
		r.describe(other)
	}
}

// ofView is the name of a type of the packages; empty for one of others.
func ofView(expr ast.Expr) string {
	switch expr := expr.(type) {
	case *ast.Ident:
		return expr.Name
	case *ast.SelectorExpr:
		if fmt.Sprint(expr.X) == "view" {
			return expr.Sel.Name
		}
	}
	return ""
}

// rows writes a row for each field; embedded structs have theirs inline.
func (r *reference) rows(name string, mentioned *[]string) {
	for _, field := range r.fields(name) {
		if len(field.Names) == 0 {
			if embedded := ofView(field.Type); embedded != "" {
				r.rows(embedded, mentioned)
			}
			continue
		}
		tag := ""
		if field.Tag != nil {
			tag = reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json")
		}
		key, options, _ := strings.Cut(tag, ",")
		if key == "-" || key == "" {
			continue
		}
		about := r.inJSON(name, comment(field.Doc))
		if strings.Contains(options, "omitempty") && !strings.Contains(strings.ToLower(about), "absent") {
			about = strings.TrimSpace(about + " Absent where empty.")
		}
		fmt.Fprintf(&r.text, "| `%s` | %s | %s |\n", key, r.typeName(field.Type, mentioned), about)
	}
}

func (r *reference) typeName(expr ast.Expr, mentioned *[]string) string {
	switch expr := expr.(type) {
	case *ast.ArrayType:
		return "list of " + r.typeName(expr.Elt, mentioned)
	case *ast.MapType:
		return "object of " + r.typeName(expr.Value, mentioned)
	case *ast.StarExpr:
		return r.typeName(expr.X, mentioned)
	case *ast.Ident:
		switch expr.Name {
		case "string", "bool":
			return map[string]string{"string": "string", "bool": "boolean"}[expr.Name]
		case "int", "int32", "int64", "float64":
			return "number"
		}
		if _, ok := r.structs[expr.Name]; ok {
			*mentioned = append(*mentioned, expr.Name)
			return fmt.Sprintf("[%s](#%s)", r.title(expr.Name), strings.ToLower(r.title(expr.Name)))
		}
		return "string"
	case *ast.SelectorExpr:
		if ofView(expr) != "" {
			return r.typeName(expr.Sel, mentioned)
		}
		return "string"
	default:
		return "object"
	}
}

// inJSON puts the names that fields have in JSON into a comment that has those of Go.
func (r *reference) inJSON(name, text string) string {
	for _, field := range r.fields(name) {
		if len(field.Names) == 0 || field.Tag == nil {
			continue
		}
		key, _, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
		text = regexp.MustCompile(`\b`+field.Names[0].Name+`\b`).ReplaceAllString(text, "`"+key+"`")
	}
	return text
}

// about is a type's comment without its name: "The result of `pgrelocate plan`."
func (r *reference) about(name string) string {
	text := strings.TrimSpace(strings.TrimPrefix(comment(r.structs[name].Doc), name))
	text = strings.TrimPrefix(text, "is ")
	if text == "" {
		return "Part of the result above."
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// title is the name that the page has for a type: the kind of a view.
func (r *reference) title(name string) string {
	if kind := r.kinds[name]; kind != "" {
		return kind
	}
	name = strings.TrimSuffix(name, "View")
	return strings.ToUpper(name[:1]) + name[1:]
}

func comment(group *ast.CommentGroup) string {
	return strings.Join(strings.Fields(group.Text()), " ")
}

func sorted(m map[string]*ast.TypeSpec) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
