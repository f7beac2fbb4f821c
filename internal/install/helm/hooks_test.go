package helm_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// hook makes a hook of an object's text.
func hook(text, events string) string {
	return strings.Replace(text, "metadata: {", "metadata: {annotations: {helm.sh/hook: '"+events+"'}, ", 1)
}

// databases tells which kind is one of databases.
func databases(request *helm.Request) { request.Databases = []schema.GroupKind{dbKind} }

// What lasts is not deleted before a hook makes it again, as helm does with hooks unless they say
// otherwise: the second time it is there, and that is no failure.
func TestHookWithWhatLasts(t *testing.T) {
	const volume = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce]}\n"
	b := newBench(t)
	b.mustInstall(t, map[string]string{"c.yaml": crd})
	templates := map[string]string{
		"c.yaml": crd, "v.yaml": hook(volume, "pre-install,pre-upgrade"),
		"n.yaml": hook("apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n", "pre-install,pre-upgrade"),
		"d.yaml": hook(db, "post-install,post-upgrade"),
	}
	var made []string
	for range 2 {
		b.mustInstall(t, templates, databases)
		b.wantDatabase(t, "a hook")
		claim := b.Get("persistentvolumeclaims", "pg", "data")
		if claim == nil {
			t.Fatal("a hook lost the volume")
		}
		made = append(made, string(claim.GetUID()))
	}
	if made[0] != made[1] {
		t.Error("the second run made the volume anew")
	}
	// Somebody else's is in the way, and stays as it is.
	b.Put(t, strings.ReplaceAll(volume, "data", "theirs"))
	templates["v.yaml"] = hook(strings.ReplaceAll(volume, "data", "theirs"), "pre-upgrade")
	if _, err := b.install(t, templates, databases); err == nil {
		t.Error("Install() took somebody else's volume for its own")
	}
}

// Hooks for uninstalling delete what they want to: they are run where there is no database.
func TestHooksForUninstalling(t *testing.T) {
	t.Parallel()
	templates := map[string]string{
		"a.yaml": first, "s.yaml": stuck,
		"w.yaml": hook(strings.ReplaceAll(second, "second", "wipe"), "pre-delete"),
		"p.yaml": hook(strings.ReplaceAll(second, "second", "post"), "post-delete"),
		"i.yaml": hook(second, "post-install"),
	}
	const named = "ConfigMap post, ConfigMap wipe"
	for _, used := range []bool{true, false} {
		b := newBench(t)
		if used {
			b.Put(t, crd+"---\n"+db)
		}
		b.mustInstall(t, templates, databases)
		skipped, err := b.open(t.Context(), t, nil).Uninstall(t.Context(), helm.Removal{Name: "house", Databases: []schema.GroupKind{dbKind}, Timeout: 5 * time.Second})
		if err != nil || b.has("first") {
			t.Fatalf("Uninstall() = %v, first is there: %v", err, b.has("first"))
		}
		if ran := b.has("wipe") || b.has("post"); ran == used || used != (strings.Join(skipped, ", ") == named) {
			t.Errorf("Uninstall(databases: %v) skipped %q, ran them: %v, want one or the other", used, skipped, ran)
		}

		b = newBench(t)
		if used {
			b.Put(t, crd+"---\n"+db)
		}
		_, err = b.install(t, templates, databases, atomic)
		var taken *helm.TakenBackError
		if !errors.As(err, &taken) || taken.Undo != nil || b.has("first") {
			t.Fatalf("Install(atomic) = %v, want it taken back", err)
		}
		if ran := b.has("wipe") || b.has("post"); ran == used || used != (strings.Join(taken.Skipped, ", ") == named) {
			t.Errorf("Install(atomic, databases: %v) skipped %q, ran them: %v, want one or the other", used, taken.Skipped, ran)
		}
	}
}

// What a hook makes anew is the chart's: it is not told to stay without it.
func TestHooksAreNotKept(t *testing.T) {
	b := newBench(t)
	for range 2 {
		b.mustInstall(t, map[string]string{"a.yaml": first, "c.yaml": hook(crd, "pre-install,pre-upgrade"), "n.yaml": hook("apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n", "pre-install,pre-upgrade")})
		if kept := b.last.Changes().Kept; len(kept) > 0 {
			t.Errorf("Changes() keeps %q, want nothing: the chart has it all", kept)
		}
	}
}

// With a StatefulSet that asks for it go its volumes: that one stays.
func TestStatefulSetWithItsVolumes(t *testing.T) {
	t.Parallel()
	set := func(name, policy string) string {
		return "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: " + name + "}\nspec: {serviceName: x, selector: {matchLabels: {a: b}}, " +
			"persistentVolumeClaimRetentionPolicy: {whenDeleted: " + policy + "}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: x}]}}}\n"
	}
	b := newBench(t)
	there := func(name string) bool { return b.Get("statefulsets.apps", "pg", name) != nil }
	templates := map[string]string{"a.yaml": first, "d.yaml": set("takes", "Delete"), "r.yaml": set("leaves", "Retain")}
	b.mustInstall(t, templates)
	b.mustInstall(t, map[string]string{"a.yaml": first})
	if kept := strings.Join(b.last.Changes().Kept, ", "); !there("takes") || there("leaves") || kept != "StatefulSet pg/takes" {
		t.Errorf("an upgrade without them: takes is there %v, leaves %v, kept %q; want the first one alone", there("takes"), there("leaves"), kept)
	}
	b.mustInstall(t, templates)
	if _, err := b.open(t.Context(), t, nil).Uninstall(t.Context(), helm.Removal{Name: "house", Timeout: 5 * time.Second}); err != nil || !there("takes") || there("leaves") {
		t.Errorf("Uninstall() = %v: takes is there %v, leaves %v; want the first one alone", err, there("takes"), there("leaves"))
	}
	// What a failing run made itself is taken back.
	b = newBench(t)
	if _, err := b.install(t, map[string]string{"d.yaml": set("takes", "Delete"), "s.yaml": stuck}, atomic); err == nil || there("takes") {
		t.Errorf("Install(atomic) = %v: takes is there %v, want it taken back", err, there("takes"))
	}
}
