package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// unexplained are fragments of hints that docs/troubleshooting.md need not have, each with the
// reason why.
var unexplained = map[string]string{}

// shortestProse is the least that a fragment is looked for: below stand flags, names and the
// words that join them.
const shortestProse = 20

// A hint is one line, and whoever reads it may want to know more: each has its entry in the page.
func TestTroubleshooting(t *testing.T) {
	page := read(t, filepath.Join(docs, "troubleshooting.md"))
	hints := hintsBelow(t, ".")
	if len(hints) < 100 {
		t.Errorf("%d fragments of hints were found: that cannot be all", len(hints))
	}
	for fragment := range unexplained {
		if !slices.Contains(hints, fragment) {
			t.Errorf("no hint has %q any more: it needs no exception", fragment)
		}
	}
	for _, fragment := range unexplainedIn(page, hints) {
		t.Errorf("docs/troubleshooting.md has no entry for the hint %q", fragment)
	}
}

// The check finds a hint without an entry, however it is put together.
func TestUnexplainedIn(t *testing.T) {
	hints := hintsOf(t, "internal/advice/made_up.go", `package advice
		const alone = "have somebody look at the first"
		func sized(n int) string { return fmt.Sprintf("there are %d bytes too many in the %s, 100%% of them useless", n, "pot") }
		func joined(s string) string { return "the second is " + "written in two halves " + s + " and ends after a name" }
		func short() string { return "too short" }`)
	if got := unexplainedIn("nothing of it", hints); len(got) != 5 {
		t.Errorf("unexplainedIn(nothing) = %q, want 5 fragments", got)
	}
	page := "Have `somebody` … have somebody\nlook at the `first`; there are N bytes too many in the POT, 100% of them useless;\n" +
		"the second is written in two `halves` X"
	if got := unexplainedIn(page, hints); len(got) != 1 || got[0] != "and ends after a name" {
		t.Errorf("unexplainedIn(page) = %q, want the one that is missing", got)
	}
}

// Outside of package advice a hint is what WithHint or a field Advice is given, and nothing else.
func TestHintsOf(t *testing.T) {
	hints := hintsOf(t, "internal/commands/made_up.go", `package commands
		func f() error {
			return exit.Usagef("this is an error and no hint").WithHint("this is the first hint of two")
		}
		var e = &exit.DriftError{Err: errors.New("this is no hint either"), Advice: "this is the second hint of two"}`)
	if got := strings.Join(hints, "|"); got != "this is the first hint of two|this is the second hint of two" {
		t.Errorf("hintsOf(file) = %q", got)
	}
}

// unexplainedIn are the fragments of prose that are not in the page.
func unexplainedIn(page string, hints []string) []string {
	page = plain(page)
	var missing []string
	for _, hint := range hints {
		if _, known := unexplained[hint]; !known && !strings.Contains(page, plain(hint)) {
			missing = append(missing, hint)
		}
	}
	return missing
}

// quoted is what begins a line of a quotation.
var quoted = regexp.MustCompile(`(?m)^> ?`)

// plain is a text without its Markdown code and quotation marks, with single blanks.
func plain(text string) string {
	return strings.Join(strings.Fields(quoted.ReplaceAllString(strings.ReplaceAll(text, "`", ""), " ")), " ")
}

// hintsBelow are the fragments of all hints in the program's files below a folder.
func hintsBelow(t *testing.T, folder string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			all = append(all, hintsOf(t, path, nil)...)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// hintsOf are the fragments of hints in a file, or in its source where that is given: everything
// that package advice, and the doctor's remedies, have in quotation marks, and elsewhere what WithHint or Advice is given.
func hintsOf(t *testing.T, path string, source any) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(filepath.Dir(path)) == "advice" || strings.HasSuffix(filepath.ToSlash(path), "doctor/fix.go") {
		return proseIn(file)
	}
	var all []string
	ast.Inspect(file, func(node ast.Node) bool {
		var given ast.Node
		switch node := node.(type) {
		case *ast.CallExpr:
			if called, ok := node.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "WithHint" && len(node.Args) > 0 {
				given = node.Args[0]
				if len(literals(given)) == 0 {
					t.Errorf("%s: a hint that this test cannot read: write it where WithHint is called", files.Position(node.Pos()))
				}
			}
		case *ast.KeyValueExpr:
			if key, ok := node.Key.(*ast.Ident); ok && key.Name == "Advice" {
				given = node.Value
			}
		}
		if given != nil {
			all = append(all, proseIn(given)...)
		}
		return true
	})
	return all
}

var verbs = regexp.MustCompile(`%[-+# 0]*[\d.]*[a-zA-Z]`)

// proseIn are the fragments of prose in a part of a file: what stands between the verbs.
func proseIn(node ast.Node) []string {
	var all []string
	for _, text := range literals(node) {
		for _, part := range verbs.Split(strings.ReplaceAll(text, "%%", "\x00"), -1) {
			part = strings.TrimSpace(strings.ReplaceAll(part, "\x00", "%"))
			if len(part) >= shortestProse && strings.Contains(part, " ") {
				all = append(all, part)
			}
		}
	}
	return all
}

// literals are the texts in a part of a file, those in a sum joined as far as nothing stands
// between them.
func literals(node ast.Node) []string {
	var all []string
	ast.Inspect(node, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BinaryExpr:
			if node.Op == token.ADD {
				all = append(all, joined(node)...)
				return false
			}
		case *ast.BasicLit:
			if node.Kind == token.STRING {
				all = append(all, unquoted(node))
			}
		}
		return true
	})
	return all
}

// joined are the texts of a sum.
func joined(sum ast.Expr) []string {
	var all []string
	open := false // the last of all goes on with a text that follows
	for _, term := range terms(sum) {
		literal, ok := term.(*ast.BasicLit)
		switch {
		case !ok:
			all = append(all, literals(term)...)
		case literal.Kind == token.STRING && open:
			all[len(all)-1] += unquoted(literal)
		case literal.Kind == token.STRING:
			all = append(all, unquoted(literal))
		}
		open = ok && len(all) > 0
	}
	return all
}

func terms(sum ast.Expr) []ast.Expr {
	if sum, ok := sum.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
		return append(terms(sum.X), terms(sum.Y)...)
	}
	return []ast.Expr{sum}
}

func unquoted(literal *ast.BasicLit) string {
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		panic(fmt.Sprintf("the parser took %s: %v", literal.Value, err))
	}
	return text
}
