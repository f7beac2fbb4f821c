package install_test

import (
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

// ofTheProgram finds the names of flags and of the program in a text.
var ofTheProgram = regexp.MustCompile(`(^|[^-\w])--[a-z]|pgrelocate`)

// allowed are the strings that may have them: the name that stands in the cluster as the
// manager of what we make, helm's own command, and what the pods of jobs carry and mount.
var allowed = []string{
	"pgrelocate", "helm upgrade --install %s in namespace %s with chart %s %s",
	"pgrelocate.io/bytes", "pgrelocate.io/artifacts", "/etc/pgrelocate", "pgrelocate.yaml", "/var/run/secrets/pgrelocate",
}

// What a cause means in terms of commands and flags is the command line's to say.
func TestNoFlagsInStrings(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		file.Imports, file.Decls = nil, withoutImports(file.Decls)
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			seen++
			text, err := strconv.Unquote(literal.Value)
			if err == nil && ofTheProgram.MatchString(text) && !slices.Contains(allowed, text) {
				t.Errorf("%s has %q: errors are causes, hints are made in cmd", path, text)
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 100 {
		t.Errorf("looked at %d strings, %v", seen, err)
	}
}

func withoutImports(decls []ast.Decl) []ast.Decl {
	var kept []ast.Decl
	for _, decl := range decls {
		if general, ok := decl.(*ast.GenDecl); !ok || general.Tok != token.IMPORT {
			kept = append(kept, decl)
		}
	}
	return kept
}
