package install_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// versioned is the chart's version and its CRD, whose schema has these fields of spec and whose
// versions are these.
func versioned(chart, fields string, versions ...string) map[string]string {
	text, _, _ := strings.Cut(crd, "  versions:")
	text += "  versions:\n"
	for i, name := range versions {
		text += "  - {name: " + name + ", served: true, storage: " + map[bool]string{true: "true", false: "false"}[i == 0] +
			", schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {" + fields + "}}}}}}\n"
	}
	return map[string]string{"Chart.yaml": "apiVersion: v2\nname: house\nversion: " + chart + "\n", "crds/crd.yaml": text}
}

const (
	less = "size: {type: integer}"
	more = less + ", pool: {type: string}"
)

func goesBack(o *install.Options) { o.AllowDowngrade = true }

// An older chart than the one that runs is refused before anything is changed, with what goes of its CRDs,
// and installed where that is allowed, which is said.
func TestOlderChart(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		database     bool
		says         []string
	}{
		{"and fields", less, true, []string{"CRD dbs.lab.example.com: v1 spec.pool goes", "there is 1 object of these kinds"}},
		{"and fields that nobody has", less, false, []string{"v1 spec.pool goes", "there are 0 objects of these kinds"}},
		{"and nothing of its CRDs", more, true, []string{"its CRDs lack nothing that those in the cluster have"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			if _, err := b.run(t, versioned("2.0.0", more, "v1")); err != nil {
				t.Fatal(err)
			}
			if tt.database {
				b.Put(t, db)
			}
			for _, dry := range []bool{true, false} {
				_, err := b.run(t, versioned("1.10.0", tt.fields, "v1"), func(o *install.Options) { o.DryRun = dry })
				var older *install.OlderError
				if !errors.As(err, &older) || older.Stored() {
					t.Fatalf("Run(older, dry %v) = %v, want it refused", dry, err)
				}
				for _, want := range append(tt.says, "chart house 1.10.0 is older than house 2.0.0, of which helm release pg/house is at revision 1 (deployed)") {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("Run(older, dry %v) = %v, want it to say %q", dry, err, want)
					}
				}
				if !dry {
					b.refused(t, err, "prerequisites")
				}
			}
			if _, err := b.run(t, versioned("1.10.0", tt.fields, "v1"), goesBack); err != nil || !strings.Contains(strings.Join(b.warned, "\n"), "as was allowed, this goes back: chart house 1.10.0 is older") {
				t.Errorf("Run(older, goesBack) = %v, and warned %q, want it installed and said", err, b.warned)
			}
			if _, err := b.run(t, versioned("1.10.0", tt.fields, "v1")); err != nil {
				t.Errorf("Run(again) = %v, want it to carry on", err)
			}
		})
	}
}

// A newer chart may take fields away, and the same one may be installed again: that is what vendors
// and users do.
func TestNewerChart(t *testing.T) {
	b := newBench(t)
	for _, files := range []map[string]string{versioned("1.9.0", more, "v1"), versioned("1.10.0", less, "v1"), versioned("1.10.0", more, "v1")} {
		if _, err := b.run(t, files); err != nil || len(b.warned) > 0 {
			t.Fatalf("Run(%.40q) = %v, and warned %q, want it installed", files["Chart.yaml"], err, b.warned)
		}
		b.Put(t, db)
	}
}

// What is in a CRD and no revision has brought, no upgrade accounts for.
func TestNewerChartThanDefinitionsOfOthers(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, versioned("1.0.0", less, "v1")); err != nil {
		t.Fatal(err)
	}
	live := b.Get("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com")
	spec := live.Object["spec"].(map[string]any)
	spec["versions"].([]any)[0].(map[string]any)["schema"] = map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{
		"spec": map[string]any{"type": "object", "properties": map[string]any{"size": map[string]any{"type": "integer"}, "theirs": map[string]any{"type": "string"}}},
	}}}
	text, err := yaml.Marshal(live.Object)
	if err != nil {
		t.Fatal(err)
	}
	b.Put(t, string(text))
	b.Put(t, db)
	for _, version := range []string{"1.0.0", "2.0.0"} {
		_, err := b.run(t, versioned(version, less, "v1"))
		if err == nil || !strings.Contains(err.Error(), "CRD dbs.lab.example.com: v1 spec.theirs goes\n  there is 1 object") {
			t.Errorf("Run(%s) = %v, want it refused", version, err)
		}
		b.refused(t, err, "prerequisites")
	}
}

// An operator that puts its webhook into the CRD does so again: the same chart may be installed once more.
func TestSameChartWithoutTheConverter(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, versioned("1.0.0", less, "v1")); err != nil {
		t.Fatal(err)
	}
	live := b.Get("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com")
	live.Object["spec"].(map[string]any)["conversion"] = map[string]any{"strategy": "Webhook"}
	text, err := yaml.Marshal(live.Object)
	if err != nil {
		t.Fatal(err)
	}
	b.Put(t, string(text))
	b.Put(t, db)
	if _, err := b.run(t, versioned("1.0.0", less, "v1")); err != nil {
		t.Errorf("Run(again) = %v, want it to carry on", err)
	}
}

// Where nothing tells which is newer, CRDs that have less are refused while there are objects.
func TestLesserDefinitions(t *testing.T) {
	b := newBench(t)
	newer, older := versioned("2.0.0", more, "v1"), versioned("1.0.0", less, "v1")
	if _, err := b.run(t, newer); err != nil {
		t.Fatal(err)
	}
	if _, err := b.uninstall(t); err != nil { // its CRD stays
		t.Fatal(err)
	}
	b.Put(t, db)
	_, err := b.run(t, older)
	var refused *install.OlderError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "the CRDs of chart house 1.0.0 lack what those in the cluster have\n  CRD dbs.lab.example.com: v1 spec.pool goes\n  there is 1 object") {
		t.Errorf("Run(older, afterwards) = %v, want it refused", err)
	}
	b.refused(t, err, "prerequisites")
	for _, answer := range []clustertest.Refusal{
		{Code: 403, Reason: "Forbidden", Message: "no"}, {Code: 500, Reason: "InternalError", Message: "conversion webhook failed"},
	} {
		b.Refuse(func(r *http.Request) *clustertest.Refusal {
			if strings.HasSuffix(r.URL.Path, "/dbs") {
				return &answer
			}
			return nil
		})
		_, err = b.run(t, older)
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "how many objects of these kinds there are cannot be seen: listing dbs: "+answer.Message) {
			t.Errorf("Run(older, unseen) = %v, want it refused", err)
		}
	}
	b.Remove("dbs.lab.example.com", "demo", "precious")
	if _, err := b.run(t, older, goesBack); err != nil {
		t.Errorf("Run(older, goesBack) = %v, want it installed", err)
	}
}

// Objects without which nothing can be lost are in nobody's way.
func TestLesserDefinitionsOfNothing(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, versioned("2.0.0", more, "v1")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.uninstall(t); err != nil {
		t.Fatal(err)
	}
	if _, err := b.run(t, versioned("1.0.0", less, "v1")); err != nil {
		t.Errorf("Run(older, no objects) = %v, want it installed", err)
	}
}

// An upgrade that failed counts as what is there, and what helm's rollback left of it in the CRDs too.
func TestOlderThanWhatFailed(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, versioned("1.0.0", less, "v1")); err != nil {
		t.Fatal(err)
	}
	stuck := versioned("2.0.0", more, "v1")
	stuck["templates/d.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: '{{ .Values.image }}'}]}}}\n"
	if _, err := b.run(t, stuck); err == nil {
		t.Fatal("the upgrade did not fail")
	}
	b.Put(t, db)
	if _, err := b.run(t, versioned("1.0.0", less, "v1")); err == nil || !strings.Contains(err.Error(), "at revision 2 (failed)") {
		t.Errorf("Run(older than what failed) = %v, want it refused", err)
	}
	if _, err := b.run(t, stuck, func(o *install.Options) { o.Atomic = true }); err == nil {
		t.Fatal("the upgrade did not fail")
	}
	for _, version := range []string{"1.0.0", "1.5.0"} {
		if _, err := b.run(t, versioned(version, less, "v1")); err == nil || !strings.Contains(err.Error(), "v1 spec.pool goes") {
			t.Errorf("Run(%s after a rollback) = %v, want it refused", version, err)
		}
	}
}

// An upgrade that failed, and was taken back, may be tried again: what it takes away is still its own.
func TestSameUpgradeAgain(t *testing.T) {
	in := func(files map[string]string) map[string]string { // the templates, where helm takes CRDs back too
		files["templates/crd.yaml"] = files["crds/crd.yaml"]
		delete(files, "crds/crd.yaml")
		return files
	}
	b := newBench(t)
	if _, err := b.run(t, in(versioned("1.0.0", more, "v1"))); err != nil {
		t.Fatal(err)
	}
	b.Put(t, db)
	stuck := in(versioned("2.0.0", less, "v1"))
	stuck["templates/d.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: '{{ .Values.image }}'}]}}}\n"
	if _, err := b.run(t, stuck, func(o *install.Options) { o.Atomic = true }); err == nil {
		t.Fatal("the upgrade did not fail")
	}
	live, err := yaml.Marshal(b.Get("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com").Object["spec"])
	if err != nil || !strings.Contains(string(live), "pool") {
		t.Fatalf("the rollback left the newer CRD, %v:\n%s", err, live)
	}
	if _, err := b.run(t, in(versioned("2.0.0", less, "v1"))); err != nil {
		t.Errorf("Run(again) = %v, want it installed", err)
	}
}

// A version in which objects may be stored is not given up, whatever is allowed and however new the
// chart is: the API server would refuse it in the midst of the run.
func TestStoredVersions(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, versioned("1.0.0", more, "v1")); err != nil {
		t.Fatal(err)
	}
	live := b.Get("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com")
	live.Object["status"].(map[string]any)["storedVersions"] = []any{"v1"}
	b.SetStatus("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com", live.Object["status"].(map[string]any))
	_, err := b.run(t, versioned("2.0.0", more, "v2"), goesBack)
	var older *install.OlderError
	if !errors.As(err, &older) || !older.Stored() || !strings.Contains(err.Error(), "CRD dbs.lab.example.com: objects may be stored as v1, and no API server gives that up") {
		t.Errorf("Run(without v1) = %v, want it refused", err)
	}
	b.refused(t, err, "prerequisites")
	if _, err := b.run(t, versioned("2.0.0", more, "v2", "v1"), goesBack); err != nil {
		t.Errorf("Run(with both) = %v, want it installed", err)
	}
}

// Helm installs the CRDs of crds/ once, and records the newest revisions alone: what brought them is forgotten after
// some upgrades by helm itself, and that is said.
func TestDefinitionsOfForgottenRevisions(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, versioned("1.0.0", more, "v1")); err != nil {
		t.Fatal(err)
	}
	b.Put(t, db)
	live, err := yaml.Marshal(b.Get("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com").Object)
	if err != nil {
		t.Fatal(err)
	}
	const kept = 10
	for range kept {
		if _, err := b.run(t, versioned("1.1.0", less, "v1")); err != nil {
			t.Fatal(err)
		}
		b.Put(t, string(live)) // helm would not have brought it up to date
	}
	_, err = b.run(t, versioned("1.2.0", less, "v1"))
	var older *install.OlderError
	if !errors.As(err, &older) || older.Forgotten != 1 ||
		!strings.Contains(err.Error(), "what helm release pg/house brought up to revision 1 is not recorded any more; it may have been this") {
		t.Errorf("Run() = %v, want that the record of what brought it is gone", err)
	}
	b.refused(t, err, "prerequisites")
	if _, err := b.run(t, versioned("1.2.0", less, "v1"), goesBack); err != nil {
		t.Errorf("Run(goesBack) = %v, want it installed", err)
	}
}

// What the API server does not take of a CRD is found before anything is changed, wherever the chart has it and
// whether it is there.
func TestInvalidDefinition(t *testing.T) {
	inTemplates := func(files map[string]string) map[string]string {
		files["templates/crd.yaml"] = files["crds/crd.yaml"]
		delete(files, "crds/crd.yaml")
		return files
	}
	inFolder := func(files map[string]string) map[string]string { return files }
	for _, tt := range []struct {
		name  string
		in    func(map[string]string) map[string]string
		there bool
	}{
		{"in crds/, there", inFolder, true}, {"in crds/, new", inFolder, false},
		{"in templates/, there", inTemplates, true}, {"in templates/, new", inTemplates, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			if tt.there {
				if _, err := b.run(t, tt.in(versioned("1.0.0", less, "v1"))); err != nil {
					t.Fatal(err)
				}
			}
			b.Refuse(func(r *http.Request) *clustertest.Refusal {
				if r.Method != http.MethodGet && strings.Contains(r.URL.Path, "customresourcedefinitions") {
					return &clustertest.Refusal{Code: 422, Reason: "Invalid", Message: "spec.scope: field is immutable"}
				}
				return nil
			})
			_, err := b.run(t, tt.in(versioned("2.0.0", less, "v1")), func(o *install.Options) { o.InstanceNamespaces = []string{"demo"} })
			if err == nil || !strings.Contains(err.Error(), "applying CRD dbs.lab.example.com: spec.scope: field is immutable") {
				t.Errorf("Run() = %v, want what the API server says", err)
			}
			b.refused(t, err, "prerequisites")
		})
	}
}

// Of a CRD among the templates the API server is asked what helm will ask it, by what the revision that runs had.
func TestDefinitionInTemplatesIsAskedAsHelmDoes(t *testing.T) {
	b := newBench(t)
	with := func(chart, conversion string) map[string]string {
		files := versioned(chart, less, "v1")
		files["templates/crd.yaml"] = files["crds/crd.yaml"] + conversion
		delete(files, "crds/crd.yaml")
		return files
	}
	if _, err := b.run(t, with("1.0.0", "  conversion: {strategy: Webhook}\n")); err != nil {
		t.Fatal(err)
	}
	asked := ""
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "customresourcedefinitions") && r.URL.Query().Get("dryRun") != "" {
			text, _ := io.ReadAll(r.Body)
			asked, r.Body = string(text), io.NopCloser(bytes.NewReader(text))
		}
		return nil
	})
	if _, err := b.run(t, with("2.0.0", "")); err != nil || !strings.Contains(asked, `"conversion":null`) {
		t.Errorf("Run() = %v, and asked about %s, want the conversion taken away", err, asked)
	}
}
