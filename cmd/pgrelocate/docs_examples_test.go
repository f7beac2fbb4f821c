package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// Config files in the documentation are config files that work.
func TestDocumentedConfigFiles(t *testing.T) {
	for _, name := range []string{"configuration.md", "getting-started.md"} {
		page := read(t, filepath.Join(docs, name))
		blocks := strings.Split(page, "```yaml\n")[1:]
		if len(blocks) == 0 {
			t.Errorf("docs/%s has no config file", name)
		}
		for _, block := range blocks {
			content, _, _ := strings.Cut(block, "```")
			t.Run(name, func(t *testing.T) {
				elsewhere(t)
				if err := os.WriteFile(config.LocalFile, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
				if _, _, err := config.NewLoader().Load(); err != nil {
					t.Errorf("the file\n%s\nis refused: %v", content, err)
				}
			})
		}
	}
}

// What getting-started.md shows of `versions` is what the program shows.
func TestDocumentedVersions(t *testing.T) {
	page := read(t, filepath.Join(docs, "getting-started.md"))
	elsewhere(t)
	streams, out, messages := terminal.Test("")
	if code := run(t.Context(), []string{"versions", "--versions", "17"}, streams); code != exit.OK {
		t.Fatalf("run(versions) = %d: %s", code, messages)
	}
	if !strings.Contains(page, "$ pgrelocate versions --versions 17\n"+out.String()) {
		t.Errorf("docs/getting-started.md does not show\n%s", out)
	}
}

// Links between the pages lead somewhere.
func TestDocumentedLinks(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(docs, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands, err := filepath.Glob(filepath.Join(docs, "commands", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, commands...) {
		for _, rest := range strings.Split(read(t, page), "](")[1:] {
			link, _, _ := strings.Cut(rest, ")")
			file, _, _ := strings.Cut(link, "#")
			if file == "" || strings.Contains(file, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), file)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, link)
			}
		}
	}
}
