package rewrite

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/valuepath"
)

func artifact(role versions.Role, extra, repository, tag string) versions.Artifact {
	return versions.Artifact{
		Role: role, Extra: extra,
		Source: ref.Reference{Host: "vendor.example.com", Repository: repository, Tag: tag},
		Target: ref.Reference{Host: "registry.example.com", Repository: "pg/" + repository, Tag: tag},
	}
}

func TestRewrite(t *testing.T) {
	mapping := []versions.Value{
		{At: "operatorImage", Tree: "{operator.ref}"},
		{At: "instanceRegistryRepo", Tree: "{instance.repository}"},
		{At: "ferretDBImageRepo", Tree: "{ferretdb.repository}"},
		{At: "image.registry", Tree: "{operator.host}"},
		{At: "image.repository", Tree: "{operator.path}"},
		{At: "related.pg_17\\.5.tag", Tree: "{instance.tag}"},
		{At: "secretName", Tree: "{pullSecret}"},
		{At: "secretNames", Tree: []any{"{pullSecret}"}},
		{At: "global.imagePullSecrets", Tree: []any{map[string]any{"name": "{pullSecret}"}}},
	}
	operator := artifact(versions.RoleOperator, "", "postgres-operator", "v4.3.1")
	instance := artifact(versions.RoleInstance, "", "postgres-instance", "v17.5-v4.3.1")
	ferret := artifact(versions.RoleExtra, "ferretdb", "ferretdb", "v2.3.1")
	full := map[string]any{
		"operatorImage":        "registry.example.com/pg/postgres-operator:v4.3.1",
		"instanceRegistryRepo": "registry.example.com/pg/postgres-instance",
		"ferretDBImageRepo":    "registry.example.com/pg/ferretdb",
		"image":                map[string]any{"registry": "registry.example.com", "repository": "pg/postgres-operator"},
		"related":              map[string]any{"pg_17.5": map[string]any{"tag": "v17.5-v4.3.1"}},
		"secretName":           "regsecret",
		"secretNames":          []any{"regsecret"},
		"global":               map[string]any{"imagePullSecrets": []any{map[string]any{"name": "regsecret"}}},
	}
	all := rewrite(t, Rewrite{Mapping: mapping, Artifacts: []versions.Artifact{operator, instance, ferret}, PullSecret: "regsecret"})
	if diff := cmp.Diff(full, all.Values); diff != "" {
		t.Errorf("Rewrite(all) (-want +got):\n%s", diff)
	}
	// What was not relocated keeps the chart's default, and the operator is named all the same.
	none := func(versions.Artifact) (bool, error) { return false, nil }
	left := rewrite(t, Rewrite{Mapping: mapping[:3], Artifacts: []versions.Artifact{operator, instance, ferret}, Has: none})
	left.Paths = nil
	if diff := cmp.Diff(&Rewritten{
		Values:  map[string]any{"operatorImage": "registry.example.com/pg/postgres-operator:v4.3.1"},
		LeftOut: []LeftOut{{Key: "instanceRegistryRepo", Artifact: instance}, {Key: "ferretDBImageRepo", Artifact: ferret}},
	}, left); diff != "" {
		t.Errorf("Rewrite(nothing there) (-want +got):\n%s", diff)
	}
	few := map[string]any{
		"operatorImage": "registry.example.com/pg/postgres-operator:v4.3.1",
		"image":         map[string]any{"registry": "registry.example.com", "repository": "pg/postgres-operator"},
	}
	if diff := cmp.Diff(few, rewrite(t, Rewrite{Mapping: mapping, Artifacts: []versions.Artifact{operator}}).Values); diff != "" {
		t.Errorf("Rewrite(operator alone) (-want +got):\n%s", diff)
	}
}

// rewrite computes values.
func rewrite(t *testing.T, r Rewrite) *Rewritten {
	t.Helper()
	made, err := r.Values()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// instances are those of a release of two majors, newest first.
func instances() []versions.Artifact {
	var all []versions.Artifact
	for _, v := range []postgres.Version{{Major: 17, Minor: 5}, {Major: 17, Minor: 4}, {Major: 16, Minor: 9}} {
		a := artifact(versions.RoleInstance, "", "crunchy/postgres", "ubi9-"+v.String()+"-2520")
		a.Versions = []postgres.Version{v}
		all = append(all, a)
	}
	return all
}

// only takes the artifacts with these tags to be at the target.
func only(tags ...string) func(versions.Artifact) (bool, error) {
	return func(a versions.Artifact) (bool, error) { return slices.Contains(tags, a.Target.Tag), nil }
}

// Values name nothing that was not relocated: a default operand becomes one that was, and what
// is bound to a version that was not is left out.
func TestRewriteNamesWhatIsThere(t *testing.T) {
	const v175, v174, v169 = "ubi9-17.5-2520", "ubi9-17.4-2520", "ubi9-16.9-2520"
	reference := func(key ...string) versions.Value {
		return versions.Value{At: valuepath.Key(key), Tree: "{instance.ref}"}
	}
	related := map[string]any{"related": map[string]any{
		"postgres_17": map[string]any{"image": "vendor.example.com/crunchy/postgres:" + v175},
		"postgres_16": map[string]any{"image": "vendor.example.com/crunchy/postgres:" + v169},
	}}
	at := func(tag string) string { return "registry.example.com/pg/crunchy/postgres:" + tag }
	tests := []struct {
		name     string
		value    versions.Value
		defaults map[string]any
		has      func(versions.Artifact) (bool, error)
		want     any
		moved    string
		left     string
		emptied  bool
	}{
		{"the newest", reference("operand"), nil, only(v175, v169), at(v175), "", "", false},
		{"the newest that is there", reference("operand"), nil, only(v174, v169), at(v174), v175, "", false},
		{"what the chart would run", reference("operand"), map[string]any{"operand": "vendor.example.com/crunchy/postgres:" + v169}, only(v175, v169), at(v169), "", "", false},
		{"what the chart would run is not there", reference("operand"), map[string]any{"operand": "other.example.com/postgres:" + v169}, only(v175), at(v175), v169, "", false},
		{"none is there", reference("operand"), nil, only(), nil, "", v175, false},
		{"bound to a major", reference("related", "postgres_16", "image"), related, nil, at(v169), "", "", false},
		{"bound to a major, another minor", reference("related", "postgres_17", "image"), related, only(v174, v169), at(v174), v175, "", false},
		{"bound to a version", reference("related", "postgres_17.4", "image"), related, nil, at(v174), "", "", false},
		{"bound to a major that is not there", reference("related", "postgres_17", "image"), related, only(v169), "", "", v175, true},
		{"bound, and the chart has nothing there", reference("images", "postgres17"), related, only(v169), nil, "", v175, false},
		{"a number that is no major", reference("image2"), nil, only(v169), at(v169), v175, "", false},
		{"tag", versions.Value{At: "tag", Tree: "{instance.tag}"}, map[string]any{"tag": v174}, only(v174), v174, "", "", false},
		{"a repository, which all have in common", versions.Value{At: "repo", Tree: "{instance.repository}"}, nil, only(v169), "registry.example.com/pg/crunchy/postgres", "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			made := rewrite(t, Rewrite{Mapping: []versions.Value{tt.value}, Artifacts: instances(), Defaults: tt.defaults, Has: tt.has})
			var got any = made.Values
			for _, key := range tt.value.Path(versions.Fill{}) {
				inner, _ := got.(map[string]any)
				got = inner[key]
			}
			if got != tt.want {
				t.Errorf("the value is %v, want %v", got, tt.want)
			}
			var moved, left string
			emptied := false
			for _, m := range made.Moved {
				moved = m.From.Target.Tag
			}
			for _, l := range made.LeftOut {
				left, emptied = l.Artifact.Target.Tag, l.Emptied
			}
			if moved != tt.moved || left != tt.left || emptied != tt.emptied {
				t.Errorf("moved from %q, left out %q (emptied %v), want %q, %q (%v)", moved, left, emptied, tt.moved, tt.left, tt.emptied)
			}
		})
	}
}

// The target is asked no more than is needed, and what it cannot tell is an error.
func TestRewriteAsksLittle(t *testing.T) {
	asked := 0
	mapping := []versions.Value{{At: "repo", Tree: "{instance.repository}"}, {At: "op", Tree: "{operator.tag}"}}
	artifacts := append(instances(), artifact(versions.RoleOperator, "", "operator", "1"))
	rewrite(t, Rewrite{Mapping: mapping, Artifacts: artifacts, Has: func(versions.Artifact) (bool, error) { asked++; return true, nil }})
	if asked != 1 {
		t.Errorf("the target was asked %d times, want once", asked)
	}
	broken := errors.New("broken")
	if _, err := (Rewrite{Mapping: mapping, Artifacts: artifacts, Has: func(versions.Artifact) (bool, error) { return false, broken }}).Values(); !errors.Is(err, broken) {
		t.Errorf("Values() = %v, want the target's error", err)
	}
}
