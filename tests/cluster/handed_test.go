package cluster_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install"
)

// What somebody has handed to another helm release is not deleted with the one that has made it, neither by an
// upgrade whose chart lacks it nor by an uninstall.
func TestWhatWasHandedOnStays(t *testing.T) {
	const settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n"
	handed := func(t *testing.T) *house {
		h := newHouse(t)
		h.clean(t)
		h.install(t, h.chart(t, map[string]string{"templates/c.yaml": settings}))
		h.apply(t, strings.Replace(settings, "name: settings", "name: settings, "+strings.ReplaceAll(marked("other", "NS"), "NS", h.namespace), 1))
		return h
	}
	t.Run("upgrade", func(t *testing.T) {
		h := handed(t)
		h.install(t, h.chart(t, nil))
		if h.get(t, configmaps, "settings") == nil {
			t.Error("the upgrade deleted what belongs to another release")
		}
		says := "ConfigMap " + h.namespace + "/settings (helm release " + h.namespace + "/other)"
		if !slices.ContainsFunc(h.warned, func(w string) bool { return strings.Contains(w, says) }) {
			t.Errorf("the upgrade warns %q, want %s", h.warned, says)
		}
	})
	t.Run("uninstall", func(t *testing.T) {
		h := handed(t)
		done, err := install.Uninstall(t.Context(), h.uninstallOptions(t))
		if err != nil {
			t.Fatal(err)
		}
		if h.get(t, configmaps, "settings") == nil {
			t.Error("the uninstall deleted what belongs to another release")
		}
		if want := []string{"ConfigMap " + h.namespace + "/settings (helm release " + h.namespace + "/other)"}; !slices.Equal(done.TheirObjects, want) {
			t.Errorf("TheirObjects = %q, want %q", done.TheirObjects, want)
		}
		if h.get(t, deployments, "op") != nil {
			t.Error("the uninstall left its own Deployment")
		}
	})
}
