package main

import (
	"bytes"
	"fmt"
	"html/template"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	nethtml "golang.org/x/net/html"
)

// markdown reads and writes as GitHub does. What is HTML already stays: the pages are our own.
func markdown() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithRendererOptions(html.WithUnsafe(), renderer.WithNodeRenderers(util.Prioritized(frames{}, 100))),
	)
}

// convert fills in what a page says.
func (s *site) convert(p *page, source []byte) error {
	doc := s.markdown.Parser().Parse(text.NewReader(source))
	if err := s.adapt(p, doc, source); err != nil {
		return err
	}
	if first, ok := doc.FirstChild().(*ast.Heading); ok { // the frame shows it
		doc.RemoveChild(doc, first)
	}
	var b bytes.Buffer
	if err := s.markdown.Renderer().Render(&b, source, doc); err != nil {
		return err
	}
	p.Body = template.HTML(b.String())
	return nil
}

// adapt makes a document of GitHub's one of the site's: its links go to pages, its first heading is
// the title, and README.md's table of pages is the menu.
func (s *site) adapt(p *page, doc ast.Node, source []byte) error {
	up, taken := 0, names{} // the generated pages begin at the second level
	return ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		var err error
		switch node := node.(type) {
		case *ast.Heading:
			title := s.words(node, source)
			here := section{taken.of(title), title}
			node.SetAttributeString("id", []byte(here.ID))
			node.SetAttributeString(wordsOf, title)
			if p.Title == "" {
				p.section, up = here, node.Level-1
			}
			if node.Level = max(1, node.Level-up); node.Level == 2 {
				p.Sections = append(p.Sections, here)
			}
		case *ast.Link:
			node.Destination, err = s.link(p, node.Destination)
			if p.Source == "README.md" && inTable(node) {
				s.menu = append(s.menu, entry{s.words(node, source), string(node.Destination), false})
			}
		case *ast.Image:
			node.Destination, err = s.link(p, node.Destination)
		}
		return ast.WalkContinue, err
	})
}

// link is a link of the repository as the site has it. What is there, but no part of the site, is
// shown by the repository.
func (s *site) link(from *page, link []byte) ([]byte, error) {
	file, heading, _ := strings.Cut(string(link), "#")
	if file == "" || strings.Contains(file, ":") {
		return link, nil
	}
	if heading != "" {
		heading = "#" + heading
	}
	target := path.Join(path.Dir(from.Source), file)
	for _, name := range []string{target, target + "/README.md"} {
		if p := s.pages[name]; p != nil {
			return []byte(relative(from.Address, p.Address) + heading), nil
		}
	}
	at, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(target)))
	if err != nil {
		return nil, fmt.Errorf("the link %s leads nowhere", link)
	}
	if strings.HasPrefix(target, "docs/") && !at.IsDir() {
		return link, nil
	}
	return []byte(repository + target + heading), nil
}

// relative is the way from one page to another.
func relative(from, to string) string {
	way, err := filepath.Rel(filepath.Dir(from), to)
	if err != nil {
		return to
	}
	return filepath.ToSlash(way)
}

func inTable(node ast.Node) bool {
	for n := node.Parent(); n != nil; n = n.Parent() {
		if n.Kind() == east.KindTable {
			return true
		}
	}
	return false
}

// wordsOf is the attribute in which a heading keeps its words; no page has it.
const wordsOf = "words"

// words are what can be read of a node, in a browser: no addresses of links, no marks, no pictures.
func (s *site) words(node ast.Node, source []byte) string {
	var b bytes.Buffer
	if err := s.markdown.Renderer().Render(&b, source, node); err != nil {
		return ""
	}
	shown, err := nethtml.Parse(&b)
	if err != nil {
		return ""
	}
	var words strings.Builder
	for n := range shown.Descendants() {
		if n.Type == nethtml.TextNode {
			words.WriteString(n.Data)
		}
	}
	return strings.TrimSuffix(words.String(), "\n")
}

// names are those that headings of a page have, and how often a number was put behind each.
type names map[string]int

// of is the name that GitHub gives a heading. A second one of a name gets -1, or the next number that
// makes a name of its own.
func (n names) of(words string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Pc):
			return unicode.ToLower(r)
		}
		return -1
	}, words)
	name := plain
	for _, taken := n[name]; taken; _, taken = n[name] {
		n[plain]++
		name = fmt.Sprintf("%s-%d", plain, n[plain])
	}
	n[name] = 0
	return name
}

// frames writes tables into a frame that scrolls where the window is narrower, and a link to itself
// behind each heading.
type frames struct{}

func (frames) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	tables := extension.NewTableHTMLRenderer().(*extension.TableHTMLRenderer)
	inner := funcs{}
	tables.RegisterFuncs(inner)
	html.NewRenderer().RegisterFuncs(inner)
	r.Register(east.KindTable, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			_, _ = w.WriteString("<div class=\"scroll\">\n")
		}
		status, err := inner[east.KindTable](w, source, n, entering)
		if !entering {
			_, _ = w.WriteString("</div>\n")
		}
		return status, err
	})
	r.Register(ast.KindHeading, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		id, named := n.AttributeString("id")
		if named && !entering && n.(*ast.Heading).Level > 1 {
			words, _ := n.AttributeString(wordsOf)
			fmt.Fprintf(w, ` <a class="here" href="#%s" aria-label="Link to: %s">#</a>`, id, template.HTMLEscapeString(words.(string)))
		}
		return inner[ast.KindHeading](w, source, n, entering)
	})
}

// funcs are goldmark's own renderers.
type funcs map[ast.NodeKind]renderer.NodeRendererFunc

func (f funcs) Register(kind ast.NodeKind, render renderer.NodeRendererFunc) { f[kind] = render }
