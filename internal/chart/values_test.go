package chart

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUserValues(t *testing.T) {
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte("resources: {limits: {cpu: 1}}\noperatorImage: mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := map[string]any{"operatorImage": "base", "resources": map[string]any{"limits": map[string]any{"memory": "1Gi"}}}
	user := UserValues{Files: []string{file}, Set: []string{"a.b=1"}, SetString: []string{"a.c=1"}}
	got, err := user.Over(base)
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
		if _, err := bad.Over(nil); err == nil {
			t.Errorf("Over(%s) succeeded", name)
		}
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
	values, err := user.Over(map[string]any{"rewritten": map[string]any{"x": "registry.example.com/x", "y": "stays"}})
	if err != nil {
		t.Fatal(err)
	}
	data, _ := render(t, chart, values).Objects[0].Object["data"].(map[string]any)
	if got, want := data["all"], `{"a":{"d":"kept"},"list":[1],"rewritten":{"x":null,"y":"stays"}}`; got != want {
		t.Errorf("the chart sees %v, want %v", got, want)
	}
}
