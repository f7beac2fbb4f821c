package cluster_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/install"
)

// Databases that cannot be seen are in the way like those that can: whether their conversion
// webhook is away, or no version of their CRD is served. Forced, an uninstall leaves them as they are.
func TestUninstallSeesNoDatabases(t *testing.T) {
	const open = "schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}"
	h := newHouse(t)
	h.clean(t)
	h.install(t, h.chart(t, map[string]string{"templates/crd.yaml": h.crd()}))
	h.apply(t, h.db("precious"))
	converted := strings.Replace(h.crd(), "  versions: [", "  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], "+
		"clientConfig: {url: \"https://127.0.0.1:1/convert\"}}}\n  versions: [{name: v2, served: true, storage: false, "+open+", ", 1)
	for _, tt := range []struct{ name, crd, says string }{
		{"its conversion webhook is away", converted, "conversion webhook"},
		{"nothing is served", strings.ReplaceAll(h.crd(), "served: true", "served: false"), "serves none of its versions"},
	} {
		h.apply(t, tt.crd)
		var err error
		for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) { // the API server takes a moment to follow
			before := h.everything(t, crds)
			_, err = install.Uninstall(t.Context(), h.uninstallOptions(t))
			if err == nil {
				t.Fatalf("Uninstall(%s) went through", tt.name)
			}
			if !strings.Contains(err.Error(), tt.says) && time.Since(begin) < time.Minute {
				continue
			}
			if after := h.everything(t, crds); after != before {
				t.Errorf("Uninstall(%s) changed the cluster:\nbefore\n%s\nafter\n%s", tt.name, before, after)
			}
			break
		}
		if !strings.Contains(err.Error(), tt.says) {
			t.Errorf("Uninstall(%s) = %v, want it to say %q", tt.name, err, tt.says)
		}
	}
	h.apply(t, h.crd())
	h.waitServed(t)
	if _, err := install.Uninstall(t.Context(), h.uninstallOptions(t)); !errors.Is(err, install.ErrInUse) {
		t.Errorf("Uninstall() = %v, want that the database is in the way", err)
	}
	h.apply(t, converted)
	force := h.uninstallOptions(t)
	force.Force = true
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		_, err := install.Uninstall(t.Context(), h.uninstallOptions(t))
		if err != nil && strings.Contains(err.Error(), "conversion webhook") {
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("Uninstall() = %v, want that the webhook is away", err)
		}
	}
	removal, err := install.Uninstall(t.Context(), force)
	if err != nil || !removal.Removed || len(removal.Unseen) != 1 || !strings.Contains(removal.Unseen[0].Error(), "conversion webhook") || len(removal.Secrets) > 0 {
		t.Errorf("Uninstall(force) = %+v, %v, want the release gone, no secret removed, and what could not be seen said", removal, err)
	}
	h.apply(t, h.crd())
	h.waitServed(t)
	h.wantDatabase(t, "an uninstall that could not see it", "precious")
}
