// Package licences knows which modules are linked into the program and what their authors say of the
// terms. The tests hold the terms against those that the program's own licence gets along with;
// notices writes them down for those who get the program.
package licences

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const program = "github.com/pgrelocate/pgrelocate/cmd/pgrelocate"

// Platforms are the systems that releases are built for, as GOOS/GOARCH; .goreleaser.yaml names the
// same.
var Platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// Module is a module that is linked into the program on at least one of the platforms.
type Module struct {
	// Path and Version are as in go.mod; Dir is where the module lies on this machine.
	Path, Version, Dir string
}

// Text is one file in which the authors of a module state terms or give notice.
type Text struct {
	Name    string // the file's name
	Content []byte
}

// Modules asks the Go tool what is linked into the program on any of the platforms: all but the
// program itself and Go's standard library, by path. The folder is any in the program's module.
func Modules(ctx context.Context, dir string, platforms ...string) ([]Module, error) {
	all := map[string]Module{}
	for _, platform := range platforms {
		system, arch, _ := strings.Cut(platform, "/")
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-f",
			"{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", program)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %v: %w\n%s", platform, cmd, err, stderr.Bytes())
		}
		for line := range strings.Lines(string(out)) {
			if fields := strings.Split(strings.TrimSpace(line), "\t"); len(fields) == 3 {
				all[fields[0]] = Module{Path: fields[0], Version: fields[1], Dir: fields[2]}
			}
		}
	}
	modules := slices.Collect(maps.Values(all))
	slices.SortFunc(modules, func(a, b Module) int { return strings.Compare(a.Path, b.Path) })
	return modules, nil
}

// Terms are the licences that stand in a module's own folder, by name of file.
func (m Module) Terms() ([]Text, error) { return m.texts("LICENSE", "LICENCE", "COPYING") }

// Notices are what has to go along beside the licences, by name of file; most modules have none.
func (m Module) Notices() ([]Text, error) { return m.texts("NOTICE", "PATENTS") }

func (m Module) texts(prefixes ...string) ([]Text, error) {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	var texts []Text
	for _, entry := range entries {
		name := strings.ToUpper(entry.Name())
		if entry.IsDir() || name == "LICENSE.DOCS" || // of texts, which nobody links
			strings.HasSuffix(name, ".GO") || // code that has to do with licences
			!slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(m.Dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		texts = append(texts, Text{Name: entry.Name(), Content: content})
	}
	return texts, nil
}
