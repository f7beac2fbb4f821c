package inplace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// mirrored is an image's name in a registry with a port.
func mirrored(m naming.Mention) string {
	tail := m.Spelled()
	for _, host := range ref.Hosts(m.Image.Host) {
		tail = strings.TrimPrefix(tail, host+"/")
	}
	return "registry.example.com:5000/mirror/" + tail
}

// Every image changes where it stands; comments, quotes, order and all other bytes stay.
func TestRewrite(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in, want := archive.Files[0].Data, string(archive.Files[1].Data)
		for _, ending := range []string{"\n", "\r\n"} {
			f, err := Parse([]byte(strings.ReplaceAll(string(in), "\n", ending)))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			got, err := f.Rewrite(naming.Origin{}, mirrored)
			if err != nil {
				t.Errorf("%s: Rewrite = %v", file, err)
			}
			if diff := cmp.Diff(want, strings.ReplaceAll(string(got), ending, "\n")); diff != "" {
				t.Errorf("%s: Rewrite (-want +got):\n%s", file, diff)
			}
		}
	}
}

func TestRewriteRefuses(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"an escape", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {image: \"quay.\\x69o/a/b:1\"}\n", "line 4: quay.io/a/b:1 is written"},
	}
	for _, tt := range tests {
		f, err := Parse([]byte(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Rewrite(naming.Origin{}, mirrored); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Rewrite = %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
	f, err := Parse([]byte("apiVersion: v1\nkind: Pod\nspec: {image: quay.io/a/b:1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Rewrite(naming.Origin{}, func(naming.Mention) string { return "[::1]:5000/a/b:1" }); err == nil {
		t.Errorf("Rewrite to what is no plain text = %s, want an error", got)
	}
}

// A string that names very many images is rewritten in time that grows with it, and not with its square:
// that would be hours.
func TestLargeRewrite(t *testing.T) {
	const line = "    quay.io/acme/op:1 and more\n"
	body := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: |\n" + strings.Repeat(line, 40_000)
	f, err := Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Rewrite(naming.Origin{}, mirrored)
	if want := strings.ReplaceAll(body, "quay.io/acme/op", "registry.example.com:5000/mirror/acme/op"); err != nil || string(got) != want {
		t.Errorf("Rewrite = %d bytes, %v, want %d", len(got), err, len(want))
	}
}

// What a line is told of is where it stands, or the string that it lies in; what cannot change where it
// stands is left, for the proof to find.
func TestPlacesInParts(t *testing.T) {
	const body = "apiVersion: acme/v1\nkind: App\nmetadata: {name: a}\nspec:\n  image:\n    repository: quay.io/acme/op\n    tag: \"1\"\n" +
		"  config: '{\"image\": {\"registry\": \"quay.io\", \"repository\": \"acme/in\", \"tag\": \"1\"}}'\n"
	f, err := Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for _, place := range f.Occurrences(naming.Origin{}) {
		lines[place.Image.Repository] = place.Line
	}
	if diff := cmp.Diff(map[string]int{"acme/op": 6, "acme/in": 8}, lines); diff != "" {
		t.Errorf("the lines (-want +got):\n%s", diff)
	}
	got, err := f.Rewrite(naming.Origin{}, mirrored)
	want := strings.Replace(body, "quay.io/acme/op", "registry.example.com:5000/mirror/acme/op", 1)
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("Rewrite = %v (-want +got):\n%s", err, diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"UTF-16":   "\xff\xfea\x00",
		"a chart":  "kind: {{ .Values.kind }}\nspec: {{- x }}\n",
		"too much": strings.Repeat("#", MaxFile+1),
		"too many": "kind: A\nitems: [" + strings.Repeat("{},", 1<<20) + "]\n",
	} {
		if _, err := Parse([]byte(body)); err == nil {
			t.Errorf("%s: Parse = nil, want an error", name)
		}
	}
	for name, body := range map[string]string{"nothing": "", "a comment": "# a\n", "no object": "a: 1\n---\n- b\n", "a CRD": "apiVersion: v1\nkind: CustomResourceDefinition\n"} {
		if f, err := Parse([]byte(body)); err != nil || f.Objects() != 0 {
			t.Errorf("%s: Parse = %v, %v, want no objects", name, f, err)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			f.Add(txtar.Parse(text).Files[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		parsed, err := Parse(body)
		if err != nil {
			return
		}
		changed, err := parsed.Rewrite(naming.Origin{}, mirrored)
		if err != nil {
			return
		}
		if _, err := Parse(changed); err != nil {
			t.Errorf("Rewrite(%q) = %q, which cannot be read: %v", body, changed, err)
		}
	})
}
