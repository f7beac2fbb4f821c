package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ofTheCommandLine is what only cmd knows: flags, the program's name, its variables.
var ofTheCommandLine = regexp.MustCompile(`(^|[^-a-z])--[a-z][a-z-]+|\bpgrelocate [a-z]|PGRELOCATE_`)

// saysSo are literals that may have it all the same, and why.
var saysSo = map[string]string{
	"skopeo sync --all --src yaml --dest docker FILE ": "what to do with the file, in skopeo's words",
	"pgrelocate serve": "the subject of certificates that serve makes for itself",
	"helm upgrade --install %s in namespace %s with chart %s %s": "what a dry run would do, in helm's words",
}

// Libraries know causes, and neither flags nor commands: what a cause means in terms of those is
// for cmd/pgrelocate/internal/advice. The use cases know none either.
func TestOnlyTheCommandLineKnowsFlags(t *testing.T) {
	for _, root := range []string{".", filepath.Join("..", "cmd", "pgrelocate", "internal", "relocate")} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "registrytest" || entry.Name() == "browsertest"):
				return filepath.SkipDir // they run programs, with their flags
			case entry.IsDir(), !strings.HasSuffix(path, ".go"), strings.HasSuffix(path, "_test.go"):
				return nil
			}
			return wordsIn(t, path)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func wordsIn(t *testing.T, path string) error {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING || saysSo[strings.Trim(literal.Value, "\"`")] != "" {
			return true
		}
		if word := ofTheCommandLine.FindString(literal.Value); word != "" {
			t.Errorf("%s: %s names %s, which only the command line knows", files.Position(literal.Pos()), literal.Value, strings.TrimSpace(word))
		}
		return true
	})
	return nil
}
