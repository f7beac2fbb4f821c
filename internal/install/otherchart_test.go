package install_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install"
)

// named is the Chart.yaml of a chart of another name.
func named(name string) string { return "apiVersion: v2\nname: " + name + "\nversion: 2.0.0\n" }

// A helm release of another chart is not upgraded into this one: all that it has made would go.
func TestReleaseOfAnotherChart(t *testing.T) {
	b := newBench(t)
	theirs := map[string]string{"Chart.yaml": named("grafana"), "templates/s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: admin}\n"}
	if _, err := b.run(t, theirs); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		_, err := b.run(t, nil, func(o *install.Options) { o.DryRun, o.Adopt = dry, true })
		var other *install.OtherChartError
		if !errors.As(err, &other) || !strings.Contains(err.Error(), "helm release pg/house is of the chart grafana 2.0.0, and not of house") {
			t.Fatalf("Run() = %v, want that the release is of another chart", err)
		}
		if writes := b.Writes(); len(writes) > 0 {
			t.Errorf("Run() refused, and wrote %q", writes)
		}
	}
	if b.Get("secrets", "pg", "admin") == nil {
		t.Error("Run() removed what the other chart had made")
	}
	// What was uninstalled is in nobody's way.
	if _, err := b.uninstall(t); err != nil {
		t.Fatal(err)
	}
	if _, err := b.run(t, nil); err != nil {
		t.Errorf("Run() after an uninstall = %v", err)
	}
}

// A vendor may give a chart another name: what it defines tells that it is the same.
func TestReleaseOfARenamedChart(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, map[string]string{"Chart.yaml": named("old-house"), "templates/crd.yaml": crd}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.run(t, map[string]string{"crds/crd.yaml": crd}); err != nil {
		t.Errorf("Run() = %v, want an upgrade", err)
	}
}
