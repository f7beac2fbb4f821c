package chart

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
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
		{Path: []string{"operatorImage"}, Image: "operator", Form: versions.FormReference},
		{Path: []string{"instanceRegistryRepo"}, Image: "instance", Form: versions.FormRepository},
		{Path: []string{"ferretDBImageRepo"}, Image: "ferretdb", Form: versions.FormRepository},
		{Path: []string{"image", "registry"}, Image: "operator", Form: versions.FormRegistry},
		{Path: []string{"image", "repository"}, Image: "operator", Form: versions.FormPath},
		{Path: []string{"related", "pg_17.5", "tag"}, Image: "instance", Form: versions.FormTag},
		{Path: []string{"secretName"}, PullSecret: versions.SecretName},
		{Path: []string{"secretNames"}, PullSecret: versions.SecretNames},
		{Path: []string{"global", "imagePullSecrets"}, PullSecret: versions.SecretObjects},
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
	if diff := cmp.Diff(full, Rewrite(mapping, []versions.Artifact{operator, instance, ferret}, "regsecret")); diff != "" {
		t.Errorf("Rewrite(all) (-want +got):\n%s", diff)
	}
	few := map[string]any{
		"operatorImage": "registry.example.com/pg/postgres-operator:v4.3.1",
		"image":         map[string]any{"registry": "registry.example.com", "repository": "pg/postgres-operator"},
	}
	if diff := cmp.Diff(few, Rewrite(mapping, []versions.Artifact{operator}, "")); diff != "" {
		t.Errorf("Rewrite(operator alone) (-want +got):\n%s", diff)
	}
}

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

func TestUnknownValues(t *testing.T) {
	chart := sample(t, "", map[string]string{"values.yaml": "postgresImage: a\nimage: {tag: b}\n"})
	got, err := chart.UnknownValues([]versions.Value{
		{Path: []string{"postgresImage"}}, {Path: []string{"image", "tag"}}, {Path: []string{"image", "x"}},
		{Path: []string{"instanceRegistryRepo"}}, {Path: []string{"postgresImage", "tag"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"image.x", "instanceRegistryRepo", "postgresImage.tag"}, got); diff != "" {
		t.Errorf("UnknownValues() (-want +got):\n%s", diff)
	}
}
