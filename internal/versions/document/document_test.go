package document

import (
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func TestRoot(t *testing.T) {
	tests := []struct {
		in   string
		want error
	}{
		{"a: 1\n", nil},
		{"---\na: 1\n", nil},
		{"", ErrEmpty},
		{"# only a comment\n", ErrEmpty},
		{"---\n", ErrEmpty},
		{"null\n", ErrEmpty},
		{"a: 1\n---\nb: 2\n", ErrSeveral},
		{"a: 1\n---\n[\n", ErrSeveral},
	}
	for _, tt := range tests {
		if _, err := Root([]byte(tt.in)); !errors.Is(err, tt.want) {
			t.Errorf("Root(%q) = %v, want %v", tt.in, err, tt.want)
		}
	}
	var kind *KindError
	if _, err := Root([]byte("\n- a\n")); !errors.As(err, &kind) || kind.Line != 2 {
		t.Errorf("Root(a list) = %v, want a KindError for line 2", err)
	}
	if _, err := Root([]byte("a: [")); err == nil {
		t.Error("Root(no YAML) = no error, want the parser's")
	}
}

type inner struct {
	Size int `yaml:"size"`
}

type outer struct {
	Name  string           `yaml:"name"`
	One   *inner           `yaml:"one"`
	List  []inner          `yaml:"list"`
	Table map[string]inner `yaml:"table"`
	Own   own              `yaml:"own"`
	Any   yaml.Node        `yaml:"any"`
}

type own struct{ inner }

func (*own) UnmarshalYAML(*yaml.Node) error { return nil }

func TestCheck(t *testing.T) {
	whole := []string{"any", "list", "name", "one", "own", "table"}
	tests := []struct {
		name, in string
		want     error
	}{
		{"all known", "name: x\none: {size: 1}\nlist: [{size: 1}]\ntable: {anything: {size: 1}}\n", nil},
		{"at the root", "name: x\nnname: y\n", &UnknownKeyError{2, "nname", "", whole}},
		{"the first of two", "b: 1\na: 1\n", &UnknownKeyError{1, "b", "", whole}},
		{"below a key", "one:\n  seize: 1\n", &UnknownKeyError{2, "seize", "one", []string{"size"}}},
		{"in a list", "list:\n- size: 1\n- {sz: 2}\n", &UnknownKeyError{3, "sz", "list", []string{"size"}}},
		{"below a free key", "table: {a: {size: 1}, b: {sz: 1}}\n", &UnknownKeyError{1, "sz", "table.b", []string{"size"}}},
		{"by an alias", "one: &a {sz: 1}\n", &UnknownKeyError{1, "sz", "one", []string{"size"}}},
		{"behind an alias", "table: {a: &a {sz: 1}}\none: *a\n", &UnknownKeyError{1, "sz", "table.a", []string{"size"}}},
		{"a key that is no word", "[name]: x\n", &UnknownKeyError{1, "", "", whole}},
		{"what decodes itself", "own: {whatever: 1}\nany: {a: {b: 1}}\n", nil},
		{"a list for keys", "name: x\none: [1]\n", &WrongKindError{2, "one", Mapping, List}},
		{"a text for a list", "list: 3\n", &WrongKindError{1, "list", List, Text}},
		{"keys for a text", "name: {a: 1}\n", &WrongKindError{1, "name", Text, Mapping}},
		{"a text in a list of keys", "list:\n- {size: 1}\n- x\n", &WrongKindError{3, "list", Mapping, Text}},
		{"nothing at all", "one:\nlist:\nname:\ntable: ~\n", nil},
	}
	for _, tt := range tests {
		root, err := Root([]byte(tt.in))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, Check(root, ShapeOf(reflect.TypeFor[outer]()))); diff != "" {
			t.Errorf("%s: Check(%q) (-want +got):\n%s", tt.name, tt.in, diff)
		}
	}
}

func TestCheckInAnyCase(t *testing.T) {
	shape := &Shape{Keys: map[string]*Shape{"jobs": nil}, AnyCase: true}
	for in, known := range map[string]bool{"Jobs: 1\n": true, "JOBS: 1\n": true, "job: 1\n": false} {
		root, err := Root([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(root, shape); (err == nil) != known {
			t.Errorf("Check(%q) = %v, want known: %v", in, err, known)
		}
	}
}
