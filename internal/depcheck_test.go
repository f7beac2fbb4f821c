// Package internal_test holds the shape of the whole module: who may import whom.
package internal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pgrelocate/pgrelocate"

// layers are the packages in the order of the flow: each may import those before it.
var layers = []string{"internal/versions", "internal/registry", "internal/chart", "internal/install", "cmd/pgrelocate"}

// testSupport is for tests only. (The stand-in release is not: the demonstration shows it.)
const testSupport = module + "/internal/registry/registrytest"

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range modulePackages(t) {
		from := layerOf(p.ImportPath)
		if from < 0 { // the tests' own packages stand beside the flow
			continue
		}
		for _, imported := range p.Imports {
			if to := layerOf(imported); to > from {
				t.Errorf("%s imports %s: imports run %s", p.ImportPath, imported, strings.Join(layers, " <- "))
			}
		}
	}
}

// The root package of the registry knows its two interfaces, not who implements them.
func TestRegistryImportsNoneOfItsSubpackages(t *testing.T) {
	root := module + "/internal/registry"
	for _, p := range modulePackages(t) {
		if p.ImportPath != root {
			continue
		}
		for _, imported := range p.Deps {
			if strings.HasPrefix(imported, root+"/") {
				t.Errorf("%s depends on %s", root, imported)
			}
		}
		return
	}
	t.Errorf("no package %s", root)
}

// What moves content needs neither Helm nor Kubernetes, which are most of the binary.
func TestHelmAndKubernetesStayAbove(t *testing.T) {
	heavy := []string{"helm.sh/", "k8s.io/", "sigs.k8s.io/"}
	for _, p := range modulePackages(t) {
		if l := layerOf(p.ImportPath); l < 0 || l > slices.Index(layers, "internal/registry") {
			continue
		}
		for _, dep := range p.Deps {
			if hasAnyPrefix(dep, heavy) {
				t.Errorf("%s depends on %s", p.ImportPath, dep)
			}
		}
	}
}

// The matrix is pure: no network, no clock. It may read a catalogue that a user brings.
func TestVersionsIsPure(t *testing.T) {
	impure := []string{"context", "math/rand", "net", "net/http", "os/exec", "time"}
	for _, p := range modulePackages(t) {
		if layerOf(p.ImportPath) != 0 {
			continue
		}
		for _, imported := range p.Imports {
			if slices.Contains(impure, imported) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

// Flags, settings and progress bars belong to the command line; libraries do not print.
func TestTheCommandLineStaysInCmd(t *testing.T) {
	terminal := []string{"github.com/spf13/cobra", "github.com/spf13/viper", "github.com/schollz/progressbar"}
	for _, p := range modulePackages(t) {
		if strings.HasPrefix(p.ImportPath, module+"/cmd/") {
			continue
		}
		for _, imported := range p.Imports {
			if hasAnyPrefix(imported, terminal) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

// Nothing is done behind the back of the compiler, the scheduler or the race detector: ADR 0012.
func TestNothingIsUnsafe(t *testing.T) {
	for _, p := range modulePackages(t) {
		if slices.Contains(p.Imports, "unsafe") {
			t.Errorf("%s imports unsafe", p.ImportPath)
		}
	}
}

func TestTestSupportStaysInTests(t *testing.T) {
	for _, p := range modulePackages(t) {
		if strings.HasPrefix(p.ImportPath, module+"/tests/") {
			continue
		}
		if slices.Contains(p.Imports, testSupport) {
			t.Errorf("%s imports %s", p.ImportPath, testSupport)
		}
	}
}

// modulePackages lists the packages of this module, their tests aside.
func modulePackages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.Bytes())
	}
	var all []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("reading what go list says: %v", err)
		}
		all = append(all, p)
	}
	for _, layer := range []string{"internal/versions", "internal/registry", "cmd/pgrelocate"} {
		if !slices.ContainsFunc(all, func(p pkg) bool { return p.ImportPath == module+"/"+layer }) {
			t.Fatalf("go list %s/... does not list %s", module, layer)
		}
	}
	return all
}

// layerOf is the place of a package in the flow; -1 for those of other modules.
func layerOf(path string) int {
	return slices.IndexFunc(layers, func(layer string) bool {
		layer = module + "/" + layer
		return path == layer || strings.HasPrefix(path, layer+"/")
	})
}

func hasAnyPrefix(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
}
