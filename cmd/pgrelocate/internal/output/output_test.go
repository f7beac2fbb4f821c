package output

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/internal/secrets"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

type fruit struct {
	Header
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
}

func (f fruit) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintln(w, "fruit:", f.Name)
	return err
}

func TestWrite(t *testing.T) {
	view := fruit{Header: NewHeader("Fruit"), Name: "<pear>"}
	tests := []struct {
		format Format
		want   string
	}{
		{"", "fruit: <pear>\n"},
		{Table, "fruit: <pear>\n"},
		{JSON, "{\n  \"schemaVersion\": 1,\n  \"kind\": \"Fruit\",\n  \"name\": \"<pear>\"\n}\n"},
		{YAML, "schemaVersion: 1\nkind: Fruit\nname: <pear>\n"},
	}
	for _, tt := range tests {
		var got strings.Builder
		if err := Write(&got, tt.format, view, strings.Clone); err != nil {
			t.Fatalf("Write(%q) = %v", tt.format, err)
		}
		if diff := cmp.Diff(tt.want, got.String()); diff != "" {
			t.Errorf("Write(%q) (-want +got):\n%s", tt.format, diff)
		}
	}
	if err := Write(io.Discard, "xml", view, strings.Clone); err == nil {
		t.Error("Write(xml) = nil, want an error")
	}
	var back fruit
	var text strings.Builder
	_ = Write(&text, JSON, view, strings.Clone)
	if err := json.Unmarshal([]byte(text.String()), &back); err != nil || back != view {
		t.Errorf("Unmarshal(Write(JSON)) = %+v, %v, want %+v", back, err, view)
	}
}

// What a terminal obeys is escaped, whatever the format, and what it means stays.
func TestWriteEscapes(t *testing.T) {
	const hostile = "a\x1b[2J\u009b31m\u202eb: \"c\" #"
	for _, format := range []Format{JSON, YAML} {
		var got strings.Builder
		if err := Write(&got, format, fruit{Header: NewHeader("Fruit"), Name: hostile}, strings.Clone); err != nil {
			t.Fatalf("Write(%q) = %v", format, err)
		}
		if terminal.IsDangerous(got.String()) {
			t.Errorf("Write(%q) = %q, want nothing that a terminal obeys", format, got.String())
		}
		var back map[string]any
		if err := yaml.Unmarshal([]byte(got.String()), &back); err != nil || back["name"] != hostile {
			t.Errorf("Unmarshal(Write(%q)) = %q, %v, want %q", format, back["name"], err, hostile)
		}
	}
	var got strings.Builder
	err := Write(&got, Table, fruit{Name: hostile}, strings.Clone)
	if want := `fruit: a\x1b[2J\x9b31m\x202eb: "c" #` + "\n"; err != nil || got.String() != want {
		t.Errorf("Write(table) = %q, %v, want %q", got.String(), err, want)
	}
}

// Whatever the format, what is written has gone through the filter, before lines are broken.
func TestWriteHides(t *testing.T) {
	var known secrets.Set
	const secret = "a pass phrase of many words, long enough to be broken into several lines by YAML: it is"
	known.Add(secret)
	view := fruit{Header: NewHeader("Fruit"), Name: "said: " + secret + " & more"}
	for _, format := range Formats() {
		var got strings.Builder
		if err := Write(&got, format, view, known.HideAlone); err != nil {
			t.Fatalf("Write(%q) = %v", format, err)
		}
		if !strings.Contains(got.String(), "said: *** & more") {
			t.Errorf("Write(%q) = %q, want it with *** in the place of the secret", format, got.String())
		}
	}
}

func TestGrid(t *testing.T) {
	g := NewGrid("STATE", "SIZE", "NAME").Right(1)
	g.Row("new", "1.5 GiB", "é")
	g.Row("present", "", "postgres-operator")
	g.Row("x")
	g.Row("two\nlines", "", "\x1b[2J")
	want := strings.Join([]string{
		"STATE         SIZE  NAME",
		"new        1.5 GiB  é",
		"present          -  postgres-operator",
		"x",
		`two lines        -  \x1b[2J`,
		"",
	}, "\n")
	var got strings.Builder
	if _, err := g.WriteTo(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("WriteTo (-want +got):\n%s", diff)
	}
}

func TestUnits(t *testing.T) {
	tests := []struct{ got, want string }{
		{Bytes(0), "0 B"},
		{Bytes(-1), "0 B"},
		{Bytes(1536), "1.5 KiB"},
		{Bytes(1600 << 20), "1.6 GiB"},
		{Duration(0), "0s"},
		{Duration(312 * time.Millisecond), "310ms"},
		{Duration(9140 * time.Millisecond), "9.1s"},
		{Duration(185 * time.Second), "3m5s"},
		{Count(1, "artifact"), "1 artifact"},
		{Count(0, "artifact"), "0 artifacts"},
		{Count(1234, "blob"), "1,234 blobs"},
	}
	for i, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("case %d: got %q, want %q", i, tt.got, tt.want)
		}
	}
}

// Columns that can be spared go in their order, and no more of them than have to.
func TestGridFit(t *testing.T) {
	tests := []struct {
		width int
		want  string
	}{
		{0, "A    B      C  D\none  three  x  yes\n"},
		{18, "A    B      C  D\none  three  x  yes\n"},
		{17, "A    B      D\none  three  yes\n"},
		{14, "B      D\nthree  yes\n"},
		{3, "B      D\nthree  yes\n"},
	}
	for _, tt := range tests {
		grid := NewGrid("A", "B", "C", "D").Fit(tt.width, 2, 0)
		grid.Row("one", "three", "x", "yes")
		var got strings.Builder
		if _, err := grid.WriteTo(&got); err != nil || got.String() != tt.want {
			t.Errorf("at %d: %q, %v, want %q", tt.width, got.String(), err, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	tests := []struct {
		text  string
		width int
		want  []string
	}{
		{"one two three", 7, []string{"one two", "three"}},
		{"one averylongword two", 7, []string{"one", "averylongword", "two"}},
		{"ünï five", 8, []string{"ünï five"}},
		{"one two", 0, []string{"one two"}},
		{"", 7, []string{""}},
		{"see `a b` (`c d`) there", 9, []string{"see `a b`", "(`c d`)", "there"}},
		{"see `a b c d` there", 8, []string{"see `a b", "c d`", "there"}},
		{"see ` there, and on", 9, []string{"see `", "there,", "and on"}},
	}
	for _, tt := range tests {
		if got := Wrap(tt.text, tt.width); !slices.Equal(got, tt.want) {
			t.Errorf("Wrap(%q, %d) = %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestFit(t *testing.T) {
	tests := []struct {
		message string
		width   int
		want    string
	}{
		{"one two three", 7, "one two\nthree"},
		{"a  b\none two three\n\nfour", 7, "a  b\none two\nthree\n\nfour"},
		{"try:\n  one two three", 7, "try:\n  one two three"},
		{"\tone two three", 7, "\tone two three"},
		{"one two three", 0, "one two three"},
		{"", 7, ""},
	}
	for _, tt := range tests {
		if got := Fit(tt.message, tt.width); got != tt.want {
			t.Errorf("Fit(%q, %d) = %q, want %q", tt.message, tt.width, got, tt.want)
		}
	}
}

// What goes into a bundle has no registry yet.
func TestShort(t *testing.T) {
	const digest = "@sha256:aaaa"
	for _, host := range []string{"", "registry.example.com:5000"} {
		for _, folder := range []string{"", "tanzu-sql-postgres/", "a/b/"} {
			for _, tt := range []struct{ tag, digest, want string }{
				{"v4.3.1", "", "postgres-operator:v4.3.1"},
				{"", digest[1:], "postgres-operator" + digest},
				{"v4.3.1", digest[1:], "postgres-operator:v4.3.1" + digest},
			} {
				r := ref.Reference{Host: host, Repository: folder + "postgres-operator", Tag: tt.tag, Digest: tt.digest}
				if got := Short(r); got != tt.want {
					t.Errorf("Short(%q) = %q, want %q", r, got, tt.want)
				}
			}
		}
	}
}
