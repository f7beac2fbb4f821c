package install_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

// inConfigMap is a revision as helm keeps it where HELM_DRIVER is configmap.
func inConfigMap(namespace, name, number, status string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sh.helm.release.v1." + name + ".v" + number + ", namespace: " + namespace +
		", labels: {owner: helm, name: " + name + ", version: \"" + number + "\", status: " + status + "}}\ndata: {release: x}\n"
}

// A release that helm keeps in ConfigMaps is neither installed once more, nor said not to be there.
func TestReleaseInConfigMaps(t *testing.T) {
	b := newBench(t)
	b.Put(t, inConfigMap("pg", "house", "9", "superseded"))
	b.Put(t, inConfigMap("pg", "house", "10", "deployed"))
	var elsewhere *helm.ElsewhereError
	_, err := b.run(t, nil)
	if !errors.As(err, &elsewhere) || elsewhere.Owner != (cluster.Owner{Namespace: "pg", Release: "house"}) || !strings.Contains(err.Error(), "helm keeps release pg/house in ConfigMaps (HELM_DRIVER=configmap)") {
		t.Errorf("Run() = %v, want it said where the release is", err)
	}
	b.refused(t, err, "chart")
	if removal, err := b.uninstall(t); !errors.As(err, &elsewhere) || errors.Is(err, verify.ErrNotInstalled) || removal.Removed || len(b.Writes()) > 0 {
		t.Errorf("Uninstall() = %v, want it said where the release is, and nothing written", err)
	}
	var missing *install.NoReleaseError
	if _, err := b.uninstall(t, func(o *install.UninstallOptions) { o.Namespace = "pgg" }); !errors.As(err, &missing) || strings.Join(missing.Elsewhere, " ") != "pg" ||
		!strings.Contains(err.Error(), "there is no helm release house in namespace pgg, neither in Secrets nor in ConfigMaps; nothing was removed") {
		t.Errorf("Uninstall(typo) = %v, want that it is in pg", err)
	}
	b.Put(t, inConfigMap("pg", "house", "11", "uninstalled")) // its record alone is left
	if _, err := b.run(t, nil); err != nil {
		t.Errorf("Run() where it is gone = %v, want it installed", err)
	}
}

// What could not be looked at is said.
func TestConfigMapsUnseen(t *testing.T) {
	b := newBench(t)
	b.Put(t, inConfigMap("pg", "house", "1", "deployed"))
	b.Put(t, ownedBy("pg", "house"))
	b.Deny("list configmaps")
	var missing *install.NoReleaseError
	_, err := b.uninstall(t)
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "there is no helm release house in namespace pg, not in Secrets, and ConfigMaps cannot be seen (") {
		t.Errorf("Uninstall() = %v, want it said what was not looked at", err)
	}
	if _, err := b.run(t, nil); err != nil || !strings.Contains(strings.Join(b.warned, "\n"), "ConfigMap pg/c is marked as of helm release pg/house, which is not recorded in Secrets; whether it is in ConfigMaps cannot be seen: ") {
		t.Errorf("Run() = %v, and warned %q, want it said what was not looked at", err, b.warned)
	}
	if _, err := b.run(t, nil); err != nil || strings.Contains(strings.Join(b.warned, "\n"), "cannot be seen") {
		t.Errorf("Run() again = %v, and warned %q, want the record in Secrets to do", err, b.warned)
	}
}
