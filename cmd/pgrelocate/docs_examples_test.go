package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

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
				if _, _, err := config.NewLoader().Load(t.Context()); err != nil {
					t.Errorf("the file\n%s\nis refused: %v", content, err)
				}
			})
		}
	}
}

// What the documentation shows of the program is what the program shows.
func TestDocumentedOutput(t *testing.T) {
	tests := []struct {
		page, indent string
		args         []string
		code         int
	}{
		{"docs/getting-started.md", "", []string{"versions", "--versions", "17"}, exit.OK},
		{"README.md", "    ", []string{"versions", "--versions", "17.5"}, exit.OK},
		{"README.md", "    ", []string{"plan", "--registry", "registry.example.com", "--versions", "17.6"}, exit.Usage},
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.page+" "+tt.args[0], func(t *testing.T) {
			elsewhere(t)
			streams, out, messages := terminal.Test("")
			if code := run(t.Context(), tt.args, streams); code != tt.code {
				t.Fatalf("run(%v) = %d, want %d: %s", tt.args, code, tt.code, messages)
			}
			shown := out.String()
			if tt.code != exit.OK {
				shown = messages.String()
			}
			want := "$ pgrelocate " + strings.Join(tt.args, " ") + "\n" + shown
			want = tt.indent + strings.ReplaceAll(strings.TrimSpace(want), "\n", "\n"+tt.indent) + "\n"
			if !strings.Contains(read(t, filepath.Join(root, tt.page)), want) {
				t.Errorf("%s does not show\n%s", tt.page, want)
			}
		})
	}
}

// Links between the pages lead somewhere, and to a heading where they name one.
func TestDocumentedLinks(t *testing.T) {
	pages := []string{"../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md"}
	for _, pattern := range []string{"*.md", "commands/*.md", "adr/*.md"} {
		found, err := filepath.Glob(filepath.Join(docs, pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	for _, page := range pages {
		for _, rest := range strings.Split(read(t, page), "](")[1:] {
			link, _, _ := strings.Cut(rest, ")")
			if !strings.Contains(link, "://") && !strings.ContainsAny(link, " \n`") {
				checkLink(t, page, link)
			}
		}
	}
}

func checkLink(t *testing.T, page, link string) {
	t.Helper()
	file, heading, _ := strings.Cut(link, "#")
	target := page
	if file != "" {
		target = filepath.Join(filepath.Dir(page), file)
	}
	if _, err := os.Stat(target); err != nil {
		t.Errorf("%s links to %s, which is not there", page, link)
		return
	}
	if heading != "" && strings.HasSuffix(target, ".md") && !hasHeading(read(t, target), heading) {
		t.Errorf("%s links to %s, a heading that is not there", page, link)
	}
}

// hasHeading tells whether a heading of the page has that name in an address, as GitHub makes them.
func hasHeading(page, name string) bool {
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		got := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return r
			}
			return -1
		}, strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#"))))
		if got == name {
			return true
		}
	}
	return false
}
