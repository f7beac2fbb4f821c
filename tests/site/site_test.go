package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/pgrelocate/pgrelocate/internal/browsertest"
)

// seen is what a page of the built site has.
type seen struct {
	ids     map[string]int
	links   []string // what it names: pages, anchors, pictures, styles
	fetched []string // of these, what a browser fetches by itself
	count   map[string]int
	lang    string
	plain   bool // an image or a link has no words
}

func build(t *testing.T) (string, map[string]seen) {
	t.Helper()
	out := t.TempDir()
	if _, err := Build("../..", out); err != nil {
		t.Fatal(err)
	}
	return out, pagesOf(t, out)
}

func pagesOf(t *testing.T, out string) map[string]seen {
	t.Helper()
	pages := map[string]seen{}
	err := fs.WalkDir(os.DirFS(out), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || path.Ext(file) != ".html" {
			return err
		}
		f, err := os.Open(filepath.Join(out, file))
		if err != nil {
			return err
		}
		defer f.Close()
		doc, err := html.Parse(f)
		if err == nil {
			pages[file] = look(doc)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func look(doc *html.Node) seen {
	s := seen{ids: map[string]int{}, count: map[string]int{}}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		s.count[n.Data]++
		has := map[string]string{}
		for _, a := range n.Attr {
			has[a.Key] = a.Val
		}
		if id := has["id"]; id != "" {
			s.ids[id]++
		}
		switch n.Data {
		case "html":
			s.lang = has["lang"]
		case "a":
			s.links = append(s.links, has["href"])
			s.plain = s.plain || n.FirstChild == nil
		case "link":
			s.links, s.fetched = append(s.links, has["href"]), append(s.fetched, has["href"])
		case "img", "script", "iframe":
			s.links, s.fetched = append(s.links, has["src"]), append(s.fetched, has["src"])
			s.plain = s.plain || n.Data == "img" && has["alt"] == ""
		}
	}
	return s
}

// Each page of the documentation is there, can be reached from the first one, and has what browsers
// and their readers need: a language, a title, one first heading, words for links and pictures.
func TestPages(t *testing.T) {
	_, pages := build(t)
	if len(pages) < 90 {
		t.Errorf("the site has %d pages: that cannot be all", len(pages))
	}
	reached := map[string]bool{"index.html": true}
	for queue := []string{"index.html"}; len(queue) > 0; queue = queue[1:] {
		for _, link := range pages[queue[0]].links {
			file, _, _ := strings.Cut(link, "#")
			if to := path.Join(path.Dir(queue[0]), file); path.Ext(to) == ".html" && !strings.Contains(link, ":") && !reached[to] {
				reached[to] = true
				queue = append(queue, to)
			}
		}
	}
	for file, s := range pages {
		if !reached[file] {
			t.Errorf("no link leads from the first page to %s", file)
		}
		if s.lang != "en" || s.count["title"] != 1 || s.count["h1"] != 1 || s.count["main"] != 1 || s.plain {
			t.Errorf("%s: language %q, elements %v, a link or picture without words: %t", file, s.lang, s.count, s.plain)
		}
		for id, n := range s.ids {
			if n > 1 {
				t.Errorf("%s has the id %s %d times", file, id, n)
			}
		}
	}
}

// All that a page names is there, down to the heading; a browser fetches nothing from elsewhere.
func TestLinks(t *testing.T) {
	out, pages := build(t)
	checked := 0
	for file, s := range pages {
		for _, link := range s.links {
			to, heading, _ := strings.Cut(link, "#")
			if strings.Contains(to, ":") {
				if slices.Contains(s.fetched, link) {
					t.Errorf("%s fetches %s", file, link)
				}
				continue
			}
			checked++
			target := file
			if to != "" {
				target = path.Join(path.Dir(file), to)
			}
			if at, err := os.Stat(filepath.Join(out, target)); err != nil || at.IsDir() {
				t.Errorf("%s links to %s, which is not there", file, link)
			} else if heading != "" && pages[target].ids[heading] == 0 {
				t.Errorf("%s links to %s, a heading that is not there", file, link)
			}
		}
	}
	if checked < 3000 {
		t.Errorf("only %d links were checked", checked)
	}
}

// Each picture is shown somewhere.
func TestPictures(t *testing.T) {
	_, pages := build(t)
	shown := map[string]bool{}
	for file, s := range pages {
		for _, link := range s.fetched {
			shown[path.Join(path.Dir(file), link)] = true
		}
	}
	there, err := filepath.Glob("../../docs/pictures/*.svg")
	if err != nil || len(there) == 0 {
		t.Fatal(there, err)
	}
	for _, file := range there {
		if name := "docs/pictures/" + filepath.Base(file); !shown[name] {
			t.Errorf("no page shows %s", name)
		}
	}
}

// Headings have the names that GitHub gives them, each its own: what can be read of them counts, and not
// where their links go.
func TestHeadings(t *testing.T) {
	const text = `# The page

## Same
## Same
## Same 1
## Same
## With [a link](https://example.com/x?y=z) and ` + "`--code`" + `
## A &amp; *b*
## (Over) Größe 2²!
## snake\_case
## Content
## ![shown](docs/x.svg)Same
`
	root := t.TempDir()
	for file, content := range map[string]string{"README.md": text, "docs/x.md": "# X\n", "docs/x.svg": "<svg/>", "CHANGELOG.md": "# C\n", "CONTRIBUTING.md": "# D\n", "SECURITY.md": "# E\n"} {
		if err := put(root, file, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	out := t.TempDir()
	if _, err := Build(root, out); err != nil {
		t.Fatal(err)
	}
	page := pagesOf(t, out)["index.html"]
	for _, want := range []string{"same", "same-1", "same-1-1", "same-2", "same-3", "with-a-link-and---code", "a--b", "over-größe-2", "snake_case", "content"} {
		if page.ids[want] != 1 {
			t.Errorf("the page has the id %q %d times, want it once; it has %v", want, page.ids[want], page.ids)
		}
	}
}

// A link that leads nowhere builds no site.
func TestBrokenLinks(t *testing.T) {
	for _, text := range []string{"# A\n\n[b](docs/gone.md)\n", "# A\n\n![b](docs/gone.svg)\n"} {
		root := t.TempDir()
		for _, file := range append([]string{"docs/x.md"}, top...) {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(root, file)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, file), []byte("# A\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Build(root, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Build(root, t.TempDir()); err == nil || !strings.Contains(err.Error(), "docs/gone") {
			t.Errorf("Build() with %q = %v, want an error", text, err)
		}
	}
}

// A browser shows pages of each kind, on a telephone and on a desk, in light and dark: nothing lies
// beyond the edge, all text can be read, the keyboard gets everywhere.
func TestInABrowser(t *testing.T) {
	out, _ := build(t)
	for _, file := range []string{"index.html", "docs/registries.html", "docs/commands/copy.html"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(out, file))
			if err != nil {
				t.Fatal(err)
			}
			page := string(text)
			// The page without its policy, and with its style inside: it lies in a frame.
			_, rest, ok := strings.Cut(page, `<meta http-equiv="Content-Security-Policy"`)
			before, _, _ := strings.Cut(page, `<meta http-equiv="Content-Security-Policy"`)
			if !ok {
				t.Fatal("the page does not forbid the browser to fetch or run anything")
			}
			page = before + "<style>" + string(style) + "</style><meta" + rest
			browsertest.Each(t, page, func(t *testing.T, s browsertest.Seen) {
				s.CheckEdge(t)
				s.CheckColours(t, 4)
				if len(s.Tabs) < 5 || s.Tabs[0][0] != "A" {
					t.Errorf("the keyboard reaches %v", s.Tabs)
				}
			})
		})
	}
}
