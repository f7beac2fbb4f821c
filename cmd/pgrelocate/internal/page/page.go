// Package page makes a result into one page for a browser: one file, which asks no network for
// anything, and runs nothing.
//
//	text, err := page.Mirror(view)
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/overviews"
)

//go:embed mirror.html mirror.css
var embedded embed.FS

// mark is how every page begins, by which a page of ours is known.
const mark = "<!DOCTYPE html>\n<html lang=\"en\">\n<!-- made by pgrelocate -->\n"

// IsOurs tells whether a file is a page that was made here, and may be made anew.
func IsOurs(body []byte) bool { return bytes.HasPrefix(body, []byte(mark)) }

// Mirror is the page of a mirror. All that it says from elsewhere is text in it, whatever it looks like.
func Mirror(m overviews.Mirror) ([]byte, error) {
	style, err := embedded.ReadFile("mirror.css")
	if err != nil {
		return nil, err
	}
	made, err := template.New("mirror.html").Funcs(template.FuncMap{
		"style":   func() template.CSS { return template.CSS(style) }, //nolint:gosec // it is embedded
		"bytes":   output.Bytes,
		"count":   output.Count,
		"when":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"took":    func(seconds float64) string { return output.Duration(time.Duration(seconds * float64(time.Second))) },
		"class":   func(state string) string { return strings.ReplaceAll(state, " ", "-") },
		"glyph":   func(state string) string { return glyphs[state] },
		"meaning": func(state string) string { return meanings[state] },
		"short":   short,
	}).ParseFS(embedded, "mirror.html")
	if err != nil {
		return nil, err
	}
	text := bytes.NewBufferString(mark)
	if err := made.Execute(text, newMirror(m)); err != nil {
		return nil, fmt.Errorf("making the page: %w", err)
	}
	return []byte(terminal.Plain(text.String())), nil // a browser obeys what turns words round, too
}

// glyphs tell states apart where colours do not.
var glyphs = map[string]string{"mirrored": "✓", "missing": "✗", "drifted": "≠", "damaged": "!", "unknown": "?", "not mirrored": "–"}

var meanings = map[string]string{
	"mirrored":     "the tag is there",
	"missing":      "it should be there, and is not",
	"drifted":      "the tag holds another digest than the lock has",
	"damaged":      "the tag is there, and some of its content is gone",
	"unknown":      "the registry did not say",
	"not mirrored": "it exists, and nobody has put it there",
}

// short is as much of a digest as people compare.
func short(digest string) string {
	const shown = len("sha256:") + 12
	if len(digest) <= shown {
		return digest
	}
	return digest[:shown] + "…"
}
