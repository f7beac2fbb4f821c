package main

import (
	"bytes"
	_ "embed" // the page's frame and how it looks
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
)

// name is the title of README.md, and of the index of commands.
const name = "pgrelocate"

// repository is where what is no page is shown.
const repository = "https://github.com/pgrelocate/pgrelocate/blob/main/"

//go:embed page.html
var frame string

//go:embed site.css
var style []byte

// top are the pages outside docs/.
var top = []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}

// page is one of the site.
type page struct {
	// Source is its file in the repository, with slashes; Address where it is on the site.
	Source, Address string
	section         // its first heading
	Body            template.HTML
	Sections        []section
}

// section is a heading; a page's list of them has those of the second level.
type section struct{ ID, Title string }

// entry is a line of the list of all pages.
type entry struct {
	Title, Address string
	Current        bool
}

// site is what is being built.
type site struct {
	root     string
	markdown goldmark.Markdown
	pages    map[string]*page // by source
	menu     []entry
}

// Build writes the site of the repository at root into the folder out, and returns how many pages it has.
func Build(root, out string) (int, error) {
	s := &site{root: root, markdown: markdown(), pages: map[string]*page{}}
	files, err := s.list()
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".md") {
			s.pages[file] = &page{Source: file, Address: address(file)}
		}
	}
	for _, p := range s.pages {
		if err := s.read(p); err != nil {
			return 0, fmt.Errorf("%s: %w", p.Source, err)
		}
	}
	s.menu = append([]entry{{"", "index.html", false}}, s.menu...)
	for _, p := range s.pages {
		for i := range s.menu {
			if s.menu[i].Address == p.Address && (p.Title != name || i == 0) {
				s.menu[i].Title = p.Title
			}
		}
	}
	if err := s.write(out, files); err != nil {
		return 0, err
	}
	return len(s.pages), nil
}

// list are the files that make the site, with slashes: pages, and what they show.
func (s *site) list() ([]string, error) {
	files := slices.Clone(top)
	err := fs.WalkDir(os.DirFS(s.root), "docs", func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, file)
		}
		return err
	})
	return files, err
}

// address is where a file of the repository is on the site.
func address(file string) string {
	switch folder, base := path.Split(file); {
	case base == "README.md":
		return folder + "index.html"
	case path.Ext(base) == ".md":
		return strings.TrimSuffix(file, ".md") + ".html"
	}
	return file
}

func (s *site) read(p *page) error {
	text, err := os.ReadFile(filepath.Join(s.root, filepath.FromSlash(p.Source)))
	if err != nil {
		return err
	}
	return s.convert(p, text)
}

func (s *site) write(out string, files []string) error {
	outline, err := template.New("page").Parse(frame)
	if err != nil {
		return err
	}
	if err := put(out, "site.css", style); err != nil {
		return err
	}
	for _, file := range files {
		p := s.pages[file]
		if p == nil {
			content, err := os.ReadFile(filepath.Join(s.root, filepath.FromSlash(file)))
			if err != nil {
				return err
			}
			if err := put(out, file, content); err != nil {
				return err
			}
			continue
		}
		var b bytes.Buffer
		if err := outline.Execute(&b, s.framed(p)); err != nil {
			return err
		}
		if err := put(out, p.Address, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// framed is what the frame of a page shows.
func (s *site) framed(p *page) any {
	up := strings.Repeat("../", strings.Count(p.Address, "/"))
	menu := slices.Clone(s.menu)
	for i := range menu {
		menu[i].Current = menu[i].Address == p.Address
	}
	title := p.Title
	if title != name {
		title += " · " + name
	}
	return struct {
		*page
		Up, Head, Origin string
		Menu             []entry
	}{p, up, title, repository + p.Source, menu}
}

func put(out, file string, content []byte) error {
	file = filepath.Join(out, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}
