package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
)

// element is one that a picture draws.
type element struct {
	name string
	attr map[string]string
	text string
}

func (e element) number(t *testing.T, name string) float64 {
	t.Helper()
	value, err := strconv.ParseFloat(e.attr[name], 64)
	if err != nil {
		t.Fatalf("<%s %s=%q>: %v", e.name, name, e.attr[name], err)
	}
	return value
}

// parsed reads a picture as an XML reader does.
func parsed(t *testing.T, picture []byte) []element {
	t.Helper()
	var all []element
	inside := false // the element that began last
	d := xml.NewDecoder(bytes.NewReader(picture))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, picture)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			all, inside = append(all, e), true
		case xml.EndElement:
			inside = false
		case xml.CharData:
			if inside {
				all[len(all)-1].text += string(token)
			}
		}
	}
}

func named(all []element, name, class string) []element {
	var found []element
	for _, e := range all {
		if e.name == name && strings.Contains(" "+e.attr["class"]+" ", " "+class+" ") {
			found = append(found, e)
		}
	}
	return found
}

func TestBarsAreAsLongAsTheirFigures(t *testing.T) {
	all := parsed(t, Bars("Seconds", Panel{
		Title: "cold", Unit: "s", Limit: 2, LimitName: "the wire's limit",
		Bars: []Bar{{"ours & <mine>", 2.5, true}, {"other", 10, false}, {"none", 0, false}},
	}))
	bars := named(all, "rect", "bar")
	if len(bars) != 3 {
		t.Fatalf("%d bars, want 3", len(bars))
	}
	if got := bars[1].number(t, "width") / bars[0].number(t, "width"); got < 3.98 || got > 4.02 {
		t.Errorf("the bar of 10 is %.2f times that of 2.5, want 4", got)
	}
	limit := named(all, "line", "limit")[0].number(t, "x1")
	if end := bars[0].number(t, "x") + bars[0].number(t, "width")*2/2.5; limit < end-1 || limit > end+1 {
		t.Errorf("the limit of 2 stands at %.1f, want %.1f", limit, end)
	}
	if words := named(all, "text", "ours"); len(words) != 2 || words[0].text != "ours & <mine>" || words[1].text != "2.50 s" {
		t.Errorf("our bar says %v", words)
	}
	for _, e := range all {
		if e.name == "desc" && !strings.Contains(e.text, "cold: ours & <mine> 2.50 s, other 10.00 s, none 0.00 s, the wire's limit 2.00 s.") {
			t.Errorf("in words: %s", e.text)
		}
	}
}

func TestLinesThatGrowAlike(t *testing.T) {
	all := parsed(t, Lines("Growth", Growth{
		Title: "seconds", Unit: "s", Across: "artifacts",
		Lines: []Line{
			{Name: "ours", X: []float64{10, 100, 1000}, Y: []float64{1, 10, 100}, Ours: true},
			{Name: "other", X: []float64{10, 100, 1000}, Y: []float64{1, 10, 99}},
			{Name: "unknown", X: []float64{10}, Y: []float64{0}},
		},
	}))
	lines := named(all, "polyline", "line")
	if len(lines) != 3 || lines[2].attr["points"] != "" {
		t.Fatalf("lines: %v", lines)
	}
	var xs, ys []float64
	for _, point := range strings.Fields(lines[0].attr["points"]) {
		x, y, _ := strings.Cut(point, ",")
		one, _ := strconv.ParseFloat(x, 64)
		two, _ := strconv.ParseFloat(y, 64)
		xs, ys = append(xs, one), append(ys, two)
	}
	if across := (xs[2] - xs[1]) - (xs[1] - xs[0]); across > 0.2 || across < -0.2 {
		t.Errorf("ten times as much is not as far everywhere: %v", xs)
	}
	if up := (ys[0] - ys[1]) - (ys[1] - ys[2]); up > 0.2 || up < -0.2 || ys[2] >= ys[0] {
		t.Errorf("ten times as much is not as high everywhere: %v", ys)
	}
	var names []element
	for _, e := range named(all, "text", "name") {
		if strings.HasPrefix(e.text, "o") {
			names = append(names, e)
		}
	}
	if len(names) != 2 || names[1].number(t, "y")-names[0].number(t, "y") < 15 {
		t.Errorf("names lie over one another: %v", names)
	}
}

func TestNothingToDraw(t *testing.T) {
	parsed(t, Bars("nothing"))
	parsed(t, Bars("nothing", Panel{Title: "empty"}))
	parsed(t, Lines("nothing", Growth{Title: "empty"}))
}
