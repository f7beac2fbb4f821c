package chart

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/yamllimit"
)

func TestUserValues(t *testing.T) {
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte("resources: {limits: {cpu: 1}}\noperatorImage: mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := map[string]any{"operatorImage": "base", "resources": map[string]any{"limits": map[string]any{"memory": "1Gi"}}}
	user := UserValues{Files: []string{file}, Set: []string{"a.b=1"}, SetString: []string{"a.c=1"}}
	got, err := user.Over(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"operatorImage": "mine",
		"resources":     map[string]any{"limits": map[string]any{"cpu": float64(1), "memory": "1Gi"}},
		"a":             map[string]any{"b": int64(1), "c": "1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Over() (-want +got):\n%s", diff)
	}
	if base["operatorImage"] != "base" || len(base) != 2 {
		t.Errorf("Over() altered its base: %v", base)
	}
	for name, bad := range map[string]UserValues{
		"no such file":  {Files: []string{file + ".none"}},
		"an address":    {Files: []string{"https://example.com/values.yaml"}},
		"a bad setting": {Set: []string{"a"}},
	} {
		if _, err := bad.Over(t.Context(), nil); err == nil {
			t.Errorf("Over(%s) succeeded", name)
		}
	}
}

// Of several files the last counts, key by key; what is set goes into what they have.
func TestSeveralValuesFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	user := UserValues{
		Files:   []string{write("one.yaml", "a: {b: 1, c: 1}\nlist: [1, 2]\ngone: {x: 1}\n"), write("two.yaml", "a: {c: 2}\ngone: null\nnew: {y: 1}\n")},
		Set:     []string{"list[1]=3"},
		SetJSON: []string{`new={"z": [true]}`},
		SetFile: []string{"file=" + write("three.txt", "text\n")},
	}
	got, err := user.Over(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"a": map[string]any{"b": float64(1), "c": float64(2)}, "list": []any{float64(1), int64(3)}, "gone": nil,
		"new": map[string]any{"z": []any{true}}, "file": "text\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Over() (-want +got):\n%s", diff)
	}
}

// A file that would take many times its size in memory is refused before it is read as YAML.
func TestValuesThatAskForTooMuch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "values.yaml")
	for _, want := range []error{yamllimit.ErrLimit, files.ErrTooLarge} {
		size := maxValues - 10
		if errors.Is(want, files.ErrTooLarge) {
			size += 20
		}
		if err := os.WriteFile(file, []byte("a: ["+strings.Repeat("{},", size/3)+"]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (UserValues{Files: []string{file}}).Over(t.Context(), nil); !errors.Is(err, want) || !strings.Contains(err.Error(), file) {
			t.Errorf("Over(%d bytes of nothing) = %v, want %v with the file's name", size, err, want)
		}
	}
	if _, err := (UserValues{SetFile: []string{"a=" + file}}).Over(t.Context(), nil); !errors.Is(err, files.ErrTooLarge) {
		t.Errorf("Over(a large file's content) = %v, want %v", err, files.ErrTooLarge)
	}
}

// A null takes away what the chart has by default, as it does with helm, and what was rewritten.
func TestNullTakesAway(t *testing.T) {
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte("a: {c: null}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	chart := sample(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {all: {{ .Values | toJson | quote }} }\n",
		map[string]string{"values.yaml": "top: default\na: {b: default, c: default, d: kept}\nlist: [1]\n"})
	user := UserValues{Files: []string{file}, Set: []string{"top=null", "a.b=null", "rewritten.x=null"}}
	values, err := user.Over(t.Context(), map[string]any{"rewritten": map[string]any{"x": "registry.example.com/x", "y": "stays"}})
	if err != nil {
		t.Fatal(err)
	}
	data, _ := render(t, chart, values).Objects[0].Object["data"].(map[string]any)
	if got, want := data["all"], `{"a":{"d":"kept"},"list":[1],"rewritten":{"x":null,"y":"stays"}}`; got != want {
		t.Errorf("the chart sees %v, want %v", got, want)
	}
}
