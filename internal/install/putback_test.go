package install_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

const dbs = "customresourcedefinitions.apiextensions.k8s.io"

// failing is a chart whose Deployment does not become ready.
func failing(files map[string]string) map[string]string {
	files["templates/d.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: '{{ .Values.image }}'}]}}}\n"
	return files
}

// definition is a CRD's, as it is in the cluster.
func (b *bench) definition(t *testing.T, name string) string {
	t.Helper()
	text, err := yaml.Marshal(b.Get(dbs, "", name).Object["spec"])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func atomic(o *install.Options) { o.Atomic, o.AllowDowngrade = true, true }

// What an atomic run has changed of CRDs goes back, where nothing is lost with that, and what does not is said.
func TestAtomicPutsDefinitionsBack(t *testing.T) {
	const name = "dbs.lab.example.com"
	stored := func(versions ...any) func(*testing.T, *bench) {
		return func(_ *testing.T, b *bench) {
			b.SetStatus(dbs, "", name, map[string]any{"storedVersions": versions, "conditions": []any{map[string]any{"type": "Established", "status": "True"}}})
		}
	}
	for _, tt := range []struct {
		name          string
		before, after map[string]string
		meanwhile     func(*testing.T, *bench)
		back          bool
		says          string
	}{
		{"an older chart", versioned("2.0.0", more, "v1"), versioned("1.0.0", less, "v1"), nil, true, "put back as they were: CRD " + name},
		{"a newer chart", versioned("1.0.0", less, "v1"), versioned("2.0.0", more, "v1"), nil, false,
			"not put back: CRD " + name + ", for objects may have by now what would go with that: v1 spec.pool goes"},
		{"the same definition", versioned("1.0.0", less, "v1"), versioned("2.0.0", less, "v1"), nil, true, "taken back: 1 object"},
		{"a version that is stored by now", versioned("2.0.0", more, "v2"), versioned("1.0.0", less, "v1", "v2"), stored("v2", "v1"), false,
			"not put back: CRD " + name + ", for objects may be stored as v1 by now, which it did not have"},
		{"somebody else's change", versioned("2.0.0", more, "v1"), versioned("1.0.0", less, "v1"), func(t *testing.T, b *bench) {
			t.Helper()
			b.Put(t, versioned("", "theirs: {type: string}", "v1")["crds/crd.yaml"])
		}, false, "not put back: CRD " + name + ", which somebody else has changed since"},
		{"none before", nil, versioned("1.0.0", less, "v1"), nil, false, "made by this run, and still there, for every object of their kinds would go with them: CRD " + name},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			before := ""
			if _, err := b.run(t, tt.before); err != nil {
				t.Fatal(err)
			}
			if tt.before != nil {
				before = b.definition(t, name)
			}
			b.options.Hooks.Waiting = func(pending []readiness.Pending) {
				if tt.meanwhile != nil && len(pending) > 0 {
					tt.meanwhile(t, b)
				}
			}
			_, err := b.run(t, failing(tt.after), atomic)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Run(atomic) = %v, want it to say %q", err, tt.says)
			}
			if now := b.definition(t, name); (now == before) != tt.back {
				t.Errorf("Run(atomic) left\n%s\nbefore it was\n%s, want them equal: %v", now, before, tt.back)
			}
		})
	}
}

// A CRD that the cluster does not take ends the run before helm begins: those before it go back too, and without
// being asked to nothing does.
func TestAtomicPutsDefinitionsBackBeforeHelm(t *testing.T) {
	for _, taken := range []bool{true, false} {
		b := newBench(t)
		second := func(files map[string]string) map[string]string {
			files["crds/second.yaml"] = strings.NewReplacer("dbs", "zoos", "db", "zoo", "Db", "Zoo").Replace(crd)
			return files
		}
		if _, err := b.run(t, second(versioned("2.0.0", more, "v1"))); err != nil {
			t.Fatal(err)
		}
		before := b.definition(t, "dbs.lab.example.com")
		b.Refuse(func(r *http.Request) *clustertest.Refusal {
			if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/zoos.lab.example.com") && r.URL.Query().Get("dryRun") == "" {
				return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "no"}
			}
			return nil
		})
		_, err := b.run(t, second(versioned("1.0.0", less, "v1")), func(o *install.Options) { o.Atomic, o.AllowDowngrade = taken, true })
		var failure *install.Failure
		if !errors.As(err, &failure) || failure.Step != "definitions" || (failure.Definitions != nil) != taken {
			t.Fatalf("Run(atomic %v) = %v, want it to end with the second CRD", taken, err)
		}
		if back := b.definition(t, "dbs.lab.example.com") == before; back != taken {
			t.Errorf("Run(atomic %v) put the first CRD back: %v", taken, back)
		}
	}
}
