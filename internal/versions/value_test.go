package versions

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/valuepath"
)

// fill names a private registry with an operator and one of the PostgreSQL images.
func fill(t *testing.T) Fill {
	t.Helper()
	image := func(text string) ref.Reference {
		r, err := ref.ParseImage(text)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	return Fill{
		Target: ref.Folder{Host: "registry.example.com", Path: "team/pg"}, PullSecret: "pull",
		Images: map[string]Artifact{
			"operator": {Role: RoleOperator, Target: image("registry.example.com/team/pg/vendor/operator:1.2")},
			"postgres": {
				Role: RoleInstance, Name: "postgres", Versions: []postgres.Version{{Major: 17, Minor: 10}, {Major: 16, Minor: 9}},
				Edition: Lite, Axes: map[string]string{"gis": "3.6"}, Target: image("registry.example.com/team/pg/postgres:17.10-3.6"),
			},
		},
	}
}

func TestValueMake(t *testing.T) {
	tests := []struct {
		name  string
		value Value
		want  any
	}{
		{"a full reference", Value{Tree: "{operator.ref}"}, "registry.example.com/team/pg/vendor/operator:1.2"},
		{"a repository without its tag", Value{Tree: "{operator.repository}"}, "registry.example.com/team/pg/vendor/operator"},
		{"the registry", Value{Tree: "{operator.host}"}, "registry.example.com"},
		{"the repository without the registry", Value{Tree: "{operator.path}"}, "team/pg/vendor/operator"},
		{"its folder and its name", Value{Tree: []any{"{operator.folder}", "{operator.name}"}}, []any{"team/pg/vendor", "operator"}},
		{"the tag in a sentence", Value{Tree: "version={operator.tag}, {unknown}"}, "version=1.2, {unknown}"},
		{"host and folder", Value{Tree: "{target.host}/{target.path}"}, "registry.example.com/team/pg"},
		{"the whole folder", Value{Tree: "{target}"}, "registry.example.com/team/pg"},
		{"a constant", Value{Tree: true}, true},
		{"nothing", Value{Tree: nil}, nil},
		{"the pull secret in an object", Value{Tree: []any{map[string]any{"name": "{pullSecret}"}}}, []any{map[string]any{"name": "pull"}}},
		{"an image of each", Value{Tree: "pg{major}-{gis}-{edition}", Each: "postgres"}, "pg17-3.6-lite"},
		{"a number alone", Value{Tree: "{major}", Each: "postgres"}, int64(17)},
		{"a minor is a number, a version is not", Value{Tree: []any{"{minor}", "{version}"}, Each: "postgres"}, []any{int64(10), "17.10"}},
		{"JSON in one text", Value{JSON: true, Tree: map[string]any{"image": "{operator.ref}", "keep": []any{1}}}, `{"image":"registry.example.com/team/pg/vendor/operator:1.2","keep":[1]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.value.Make(fill(t))
			if err != nil {
				t.Fatalf("Make() = %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Make() differs (-want +got):\n%s", diff)
			}
		})
	}
	if got, err := (Value{JSON: true, Tree: func() {}}).Make(Fill{}); err == nil {
		t.Errorf("Make(no JSON) = %v, want an error", got)
	}
}

// Making a value changes neither the value nor what it was made of before.
func TestValueMakeLeavesTheTreeAlone(t *testing.T) {
	tree := map[string]any{"list": []any{map[string]any{"image": "{operator.ref}"}}}
	if _, err := (Value{Tree: tree}).Make(fill(t)); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"list": []any{map[string]any{"image": "{operator.ref}"}}}
	if diff := cmp.Diff(want, tree); diff != "" {
		t.Errorf("Make() changed the tree (-want +got):\n%s", diff)
	}
}

// A key is read as helm's --set reads it, and its placeholders may come to texts with dots.
func TestValuePath(t *testing.T) {
	tests := []struct {
		at, key string
		want    []string
	}{
		{"image", "image", []string{"image"}},
		{"image.tag", "image.tag", []string{"image", "tag"}},
		{"env[0].value", "env[0].value", []string{"env", "[0]", "value"}},
		{"matrix[1][2]", "matrix[1][2]", []string{"matrix", "[1]", "[2]"}},
		{`annotations.example\.com/image`, `annotations.example\.com/image`, []string{"annotations", "example.com/image"}},
		{"images.postgres_{major}_gis_{gis}.image", `images.postgres_17_gis_3\.6.image`, []string{"images", "postgres_17_gis_3.6", "image"}},
		{"list[x]", "list[x]", []string{"list[x]"}},
		{"[0]", "[0]", []string{"[0]"}},
	}
	for _, tt := range tests {
		got := Value{At: tt.at, Each: "postgres"}.Path(fill(t))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Path(%s) differs (-want +got):\n%s", tt.at, diff)
		}
		if key := valuepath.Key(got); key != tt.key {
			t.Errorf("Key(%q) = %s, want %s", got, key, tt.key)
		}
	}
}

// What a value depends on is in its texts, and its image of each comes first.
func TestValueSaysWhatItNames(t *testing.T) {
	tests := []struct {
		value                 Value
		images                []string
		whole, secret, moving bool
	}{
		{Value{Tree: "{operator.ref}"}, []string{"operator"}, true, false, false},
		{Value{Tree: "{operator.ref}", JSON: true}, []string{"operator"}, false, false, false},
		{Value{Tree: "x{operator.ref}"}, []string{"operator"}, false, false, false},
		{Value{Tree: "{operator.tag}"}, []string{"operator"}, false, false, false},
		{Value{Tree: []any{"{b.tag}", "{a.ref}", "{b.ref}"}}, []string{"b", "a"}, false, false, false},
		{Value{Tree: map[string]any{"y": "{b.ref}", "x": "{a.ref}"}, Each: "c"}, []string{"c", "a", "b"}, false, false, false},
		{Value{Tree: []any{"{pullSecret}"}}, nil, false, true, false},
		{Value{Tree: "{target.host}/{target.path}"}, nil, false, false, true},
		{Value{Tree: "{target}"}, nil, false, false, true},
		{Value{Tree: `{"not": "a placeholder"}`}, nil, false, false, false},
		{Value{Tree: 3}, nil, false, false, false},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.images, tt.value.Images()); diff != "" {
			t.Errorf("%v: Images() differs (-want +got):\n%s", tt.value.Tree, diff)
		}
		if got := tt.value.IsWhole(); got != tt.whole {
			t.Errorf("%v: IsWhole() = %t, want %t", tt.value.Tree, got, tt.whole)
		}
		if got := tt.value.IsPullSecret(); got != tt.secret {
			t.Errorf("%v: IsPullSecret() = %t, want %t", tt.value.Tree, got, tt.secret)
		}
		if got := tt.value.MovesAll(); got != tt.moving {
			t.Errorf("%v: MovesAll() = %t, want %t", tt.value.Tree, got, tt.moving)
		}
	}
}

func TestObjectMake(t *testing.T) {
	object := Object{
		Tree: map[string]any{"kind": "Catalog", "metadata": map[string]any{"name": "pg-{gis}"}},
		Each: "postgres", At: []string{"spec", "images"}, Entry: map[string]any{"major": "{major}", "image": "{postgres.ref}"},
	}
	made, entry := object.Make(fill(t))
	want := map[string]any{"kind": "Catalog", "metadata": map[string]any{"name": "pg-3.6"}}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("Make() object differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"major": int64(17), "image": "registry.example.com/team/pg/postgres:17.10-3.6"}, entry); diff != "" {
		t.Errorf("Make() entry differs (-want +got):\n%s", diff)
	}
}
