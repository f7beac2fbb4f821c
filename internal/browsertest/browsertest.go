// Package browsertest has a real browser show a page to a test: on a telephone and on a desk, in light
// and in dark.
//
//	browsertest.Each(t, page, func(t *testing.T, s browsertest.Seen) { … })
package browsertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// probe is run in a copy of the page, and writes down what a browser has made of it.
const probe = `<script>
const seen = {width: innerWidth, scroll: document.documentElement.scrollWidth, dark: matchMedia("(prefers-color-scheme: dark)").matches,
  unscoped: 0, headers: document.querySelectorAll("th").length, nameless: 0, tabs: [], pairs: {}, cut: []};
for (const th of document.querySelectorAll("th")) if (!th.scope) seen.unscoped++;
for (const s of document.querySelectorAll("section")) if (!document.getElementById(s.getAttribute("aria-labelledby"))) seen.nameless++;
for (const e of document.querySelectorAll("*")) {
  if (e.tabIndex >= 0) { e.focus(); seen.tabs.push([e.tagName, e.tabIndex, document.activeElement === e, e.hash ? !!document.querySelector(e.hash) : true]); }
}
document.activeElement.blur();
const backOf = e => { for (; e; e = e.parentElement) { const b = getComputedStyle(e).backgroundColor; if (b !== "rgba(0, 0, 0, 0)") return b; } return "rgb(255, 255, 255)"; };
const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (words.nextNode()) {
  const e = words.currentNode.parentElement, box = e.getBoundingClientRect();
  if (!words.currentNode.data.trim() || e.tagName === "SCRIPT") continue;
  seen.pairs[getComputedStyle(e).color + "|" + backOf(e)] = e.className || e.tagName;
  if (box.right > innerWidth + 1 && !e.closest(".scroll, pre")) seen.cut.push(words.currentNode.data.trim());
}
const out = parent.document.createElement("pre"); out.id = "probe-" + innerWidth; out.textContent = JSON.stringify(seen); parent.document.body.append(out);
</script>`

// Seen is what the browser has made of a page.
type Seen struct {
	// Width is the window's, Scroll the page's, in pixels.
	Width, Scroll int
	Dark          bool
	// Headers are header cells; of these Unscoped have no scope. Nameless are sections without a name.
	Unscoped, Headers, Nameless int
	// Tabs are the elements that the keyboard reaches: tag, tabindex, whether it takes the focus, and
	// whether what it links to is there.
	Tabs [][4]any
	// Pairs are the colours "of text|behind it", each with an element that has them.
	Pairs map[string]string
	// Cut are words that lie beyond the right edge.
	Cut []string
}

// Each shows a page, which may name no other file and forbid no scripts, in all four ways, and hands on
// what was seen. The test is skipped where there is no Chromium.
func Each(t *testing.T, page string, check func(t *testing.T, s Seen)) {
	t.Helper()
	browser := chromium(t)
	probed := strings.Replace(page, "</body>", probe+"</body>", 1)
	// A window has 500 pixels at least; a frame has as few as it is given.
	frames := "<!DOCTYPE html><meta charset=utf-8><meta name=color-scheme content='light dark'>"
	for _, width := range widths {
		frames += fmt.Sprintf("<iframe style='border:0;width:%dpx;height:2000px' srcdoc=\"%s\"></iframe>", width, html.EscapeString(probed))
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(frames), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dark := range []bool{false, true} {
		t.Run(fmt.Sprintf("dark %t", dark), func(t *testing.T) {
			t.Parallel()
			dom := show(t, browser, file, dark)
			for _, width := range widths {
				s := found(t, dom, width)
				if s.Width != width || s.Dark != dark {
					t.Fatalf("the browser shows %d pixels, dark %t", s.Width, s.Dark)
				}
				check(t, s)
			}
		})
	}
}

// widths are those of a telephone and of a desk, in pixels.
var widths = []int{390, 1440}

// CheckEdge wants nothing beyond the right edge.
func (s Seen) CheckEdge(t *testing.T) {
	t.Helper()
	if s.Scroll > s.Width || len(s.Cut) > 0 {
		t.Errorf("at %d pixels the page is %d wide; beyond the edge: %q", s.Width, s.Scroll, s.Cut)
	}
}

// CheckColours wants at least that many pairs of colours, and each to be readable.
func (s Seen) CheckColours(t *testing.T, atLeast int) {
	t.Helper()
	if len(s.Pairs) < atLeast {
		t.Errorf("only %d pairs of colours were seen", len(s.Pairs))
	}
	for pair, of := range s.Pairs {
		front, back, _ := strings.Cut(pair, "|")
		if got := contrast(luminance(t, front), luminance(t, back)); got < 4.5 {
			t.Errorf("text of %s is %s on %s: contrast %.2f, want 4.5", of, front, back, got)
		}
	}
}

// chromium is Debian's browser; the test is skipped where it is not there.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("chromium is not there")
	return ""
}

// show has the browser show the file, and returns what that has become.
func show(t *testing.T, browser, file string, dark bool) string {
	t.Helper()
	scheme := map[bool]string{true: "0", false: "1"}[dark] // blink's numbers
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
		"--user-data-dir="+t.TempDir(), "--window-size=2000,2000", "--blink-settings=preferredColorScheme="+scheme, "--dump-dom", "file://"+file)
	var said bytes.Buffer
	cmd.Stderr = &said
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, said.Bytes())
	}
	return string(dom)
}

// found takes what the probe has found at a width.
func found(t *testing.T, dom string, width int) (s Seen) {
	t.Helper()
	_, rest, _ := strings.Cut(dom, fmt.Sprintf(`<pre id="probe-%d">`, width))
	text, _, _ := strings.Cut(rest, "</pre>")
	if err := json.Unmarshal([]byte(html.UnescapeString(text)), &s); err != nil {
		t.Fatalf("the probe wrote nothing at %d pixels: %v", width, err)
	}
	return s
}

// luminance is that of a computed colour, "rgb(1, 2, 3)", as WCAG reckons it.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var r, g, b float64
	if _, err := fmt.Sscanf(colour, "rgb(%f, %f, %f)", &r, &g, &b); err != nil {
		t.Fatalf("the colour %q: %v", colour, err)
	}
	linear := func(c float64) float64 {
		if c /= 255; c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

func contrast(a, b float64) float64 { return (math.Max(a, b) + 0.05) / (math.Min(a, b) + 0.05) }
