package internal_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/architecture.md has a row for each package, and none for what is not there any more. A name that
// ends in … stands for all packages below.
func TestArchitectureNamesEachPackage(t *testing.T) {
	text, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## Where things are\n")
	table, _, _ = strings.Cut(table, "\n## ")
	var packages, named []string
	for _, p := range modulePackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if name != "internal" && !strings.HasPrefix(name, "tests/") {
			packages = append(packages, name)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?`) \\|").FindAllStringSubmatch(table, -1) {
		named = append(named, strings.Split(strings.Trim(row[1], "`"), "`, `")...)
	}
	within := func(name string) func(string) bool {
		folder, all := strings.CutSuffix(name, "…")
		return func(p string) bool { return p == name || all && strings.HasPrefix(p, folder) }
	}
	for _, name := range named {
		if name != "tests/" && !slices.ContainsFunc(packages, within(name)) {
			t.Errorf("docs/architecture.md names %s, and there is no such package", name)
		}
	}
	for _, p := range packages {
		if !slices.ContainsFunc(named, func(name string) bool { return within(name)(p) }) {
			t.Errorf("docs/architecture.md does not name %s", p)
		}
	}
}
