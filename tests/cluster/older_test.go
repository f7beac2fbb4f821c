package cluster_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// version is a version of the house's CRD, whose spec has these fields.
func version(name, storage string, fields ...string) string {
	return fmt.Sprintf("  - {name: %s, served: true, storage: %s, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {%s: {type: string}}}}}}}\n",
		name, storage, strings.Join(fields, ": {type: string}, "))
}

// versioned is a chart of a version whose CRD has these versions, in a file of that name.
func (h *house) versioned(t *testing.T, number, file string, versions ...string) *chart.Chart {
	t.Helper()
	head, _, _ := strings.Cut(h.crd(), "  versions:")
	return h.chart(t, map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: house\nversion: " + number + "\n", file: head + "  versions:\n" + strings.Join(versions, ""),
	})
}

// pool is what the house's database has in a field that its newer CRD alone has.
func (h *house) pool(t *testing.T) string {
	t.Helper()
	text, _, _ := unstructured.NestedString(h.get(t, h.dbs(), "precious").Object, "spec", "pool")
	return text
}

// An older chart would make databases lose, at their next write, what only the newer CRD has: it is refused with
// nothing changed, wherever the chart has its CRD.
func TestOlderChartLosesNothing(t *testing.T) {
	for _, file := range []string{"crds/crd.yaml", "templates/crd.yaml"} {
		t.Run(file, func(t *testing.T) {
			h := newHouse(t)
			h.clean(t)
			h.install(t, h.versioned(t, "2.0.0", file, version("v1", "true", "size", "pool")))
			h.waitServed(t)
			h.apply(t, fmt.Sprintf("apiVersion: %s/v1\nkind: Db\nmetadata: {name: precious}\nspec: {size: small, pool: big}\n", h.group))
			before := h.everything(t, crds)
			opts := h.options(t, h.versioned(t, "1.0.0", file, version("v1", "true", "size")))
			_, err := install.Run(t.Context(), opts)
			var older *install.OlderError
			if !errors.As(err, &older) || !strings.Contains(err.Error(), "v1 spec.pool goes") || !strings.Contains(err.Error(), "there is 1 object of these kinds") {
				t.Fatalf("Run(older) = %v, want it refused", err)
			}
			if after := h.everything(t, crds); after != before {
				t.Errorf("Run() refused and changed the cluster:\nbefore\n%s\nafter\n%s", before, after)
			}
			h.touch(t)
			if got := h.pool(t); got != "big" {
				t.Errorf("the database lost its pool: %q", got)
			}
			// What is warned of is so: allowed, the field goes with the next write.
			opts.AllowDowngrade = true
			if _, err := install.Run(t.Context(), opts); err != nil {
				t.Fatal(err)
			}
			h.wantDatabase(t, "going back", "precious")
			if got := h.pool(t); got != "" {
				t.Errorf("the field that the older CRD has not is still there: %q", got)
			}
		})
	}
}

// touch writes the house's database.
func (h *house) touch(t *testing.T) {
	t.Helper()
	patch := []byte(`{"metadata": {"labels": {"touched": "yes"}}}`)
	if _, err := h.dynamic.Resource(h.dbs()).Namespace(h.namespace).Patch(t.Context(), "precious", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// A version in which objects may be stored is refused before anything is changed, and by the API server too: with
// nothing in the way it would end the run when half of it was done.
func TestStoredVersionIsNotGivenUp(t *testing.T) {
	for _, file := range []string{"crds/crd.yaml", "templates/crd.yaml"} {
		t.Run(file, func(t *testing.T) {
			h := newHouse(t)
			h.clean(t)
			h.install(t, h.versioned(t, "1.0.0", file, version("v1", "true", "size")))
			h.waitServed(t)
			h.install(t, h.versioned(t, "2.0.0", file, version("v1", "false", "size"), version("v2", "true", "size")))
			before := h.everything(t, crds)
			for number, packed := range map[string]*chart.Chart{
				"1.0.0": h.versioned(t, "1.0.0", file, version("v1", "true", "size")),
				"3.0.0": h.versioned(t, "3.0.0", file, version("v2", "true", "size")),
			} {
				opts := h.options(t, packed)
				opts.AllowDowngrade = true
				_, err := install.Run(t.Context(), opts)
				var older *install.OlderError
				if !errors.As(err, &older) || !older.Stored() || !strings.Contains(err.Error(), "nothing in the cluster was changed") {
					t.Errorf("Run(%s) = %v, want it refused", number, err)
				}
			}
			if after := h.everything(t, crds); after != before {
				t.Errorf("Run() refused and changed the cluster:\nbefore\n%s\nafter\n%s", before, after)
			}
			crd := h.get(t, crds, "dbs."+h.group)
			list, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
			patch, err := json.Marshal(map[string]any{"spec": map[string]any{"versions": list[1:]}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.dynamic.Resource(crds).Patch(t.Context(), crd.GetName(), types.MergePatchType, patch, metav1.PatchOptions{}); err == nil || !strings.Contains(err.Error(), "storedVersions") {
				t.Errorf("the API server says %v of a CRD without a stored version: this test wants it refused", err)
			}
		})
	}
}

// An atomic run that goes back and fails leaves the CRD as it was, and what databases have of it.
func TestAtomicDowngradeIsTakenBack(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	h.install(t, h.versioned(t, "2.0.0", "crds/crd.yaml", version("v1", "true", "size", "pool")))
	h.waitServed(t)
	h.apply(t, fmt.Sprintf("apiVersion: %s/v1\nkind: Db\nmetadata: {name: precious}\nspec: {size: small, pool: big}\n", h.group))
	before := h.get(t, crds, "dbs."+h.group)
	head, _, _ := strings.Cut(h.crd(), "  versions:")
	opts := h.options(t, h.chart(t, map[string]string{
		"Chart.yaml":       "apiVersion: v2\nname: house\nversion: 1.0.0\n",
		"crds/crd.yaml":    head + "  versions:\n" + version("v1", "true", "size"),
		"templates/a.yaml": "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: never}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n",
	}))
	opts.AllowDowngrade, opts.Atomic, opts.Timeout = true, true, 3*time.Second
	_, err := install.Run(t.Context(), opts)
	if err == nil || !strings.Contains(err.Error(), "put back as they were: CRD dbs."+h.group) {
		t.Fatalf("Run(atomic) = %v, want it taken back with its CRD", err)
	}
	after := h.get(t, crds, "dbs."+h.group)
	for _, part := range [][2]any{{before.Object["spec"], after.Object["spec"]}, {before.GetLabels(), after.GetLabels()}, {before.GetAnnotations(), after.GetAnnotations()}} {
		if !reflect.DeepEqual(part[0], part[1]) {
			t.Errorf("Run(atomic) left %v of the CRD, before it was %v", part[1], part[0])
		}
	}
	h.waitServed(t)
	h.touch(t)
	if got := h.pool(t); got != "big" {
		t.Errorf("the database lost its pool: %q", got)
	}
	// A newer chart finds what it has made itself, and nobody else in its way.
	h.install(t, h.versioned(t, "2.1.0", "crds/crd.yaml", version("v1", "true", "size", "pool", "more")))
}

// A webhook that converts, whose certificate somebody else has written into the CRD, can be given up by no chart: the API
// server says so, and here before anything is changed.
func TestWebhookThatConverts(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	converts := "  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {service: {namespace: nowhere, name: converter}}}}\n"
	h.install(t, h.versioned(t, "1.0.0", "crds/crd.yaml", version("v1", "true", "size"), version("v2", "false", "size"), converts))
	certificate := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.certManager.Certificate().Raw}))
	patch := []byte(`{"spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": "` + certificate + `"}}}}}`)
	if _, err := h.dynamic.Resource(crds).Patch(t.Context(), "dbs."+h.group, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "injector"}); err != nil {
		t.Fatal(err)
	}
	before := h.everything(t, crds)
	opts := h.options(t, h.versioned(t, "2.0.0", "crds/crd.yaml", version("v1", "true", "size"), version("v2", "false", "size")))
	opts.InstanceNamespaces = []string{h.namespace + "-demo"}
	_, err := install.Run(t.Context(), opts)
	if err == nil || !strings.Contains(err.Error(), "prerequisites: applying CRD dbs."+h.group) || !strings.Contains(err.Error(), "nothing in the cluster was changed") {
		t.Errorf("Run() = %v, want it refused before anything is changed", err)
	}
	if after := h.everything(t, crds); after != before {
		t.Errorf("Run() refused and changed the cluster:\nbefore\n%s\nafter\n%s", before, after)
	}
}

// Of a CRD among the templates the API server is asked beforehand what helm will ask it: one that it does not take, new or in
// place of another, ends the run before anything is changed; a webhook that the chart gives up does not.
func TestDefinitionsInTemplatesAreTried(t *testing.T) {
	const file = "templates/crd.yaml"
	h := newHouse(t)
	h.clean(t)
	converts := "  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {service: {namespace: nowhere, name: converter}}}}\n"
	v1, v2 := version("v1", "true", "size"), version("v2", "false", "size")
	h.install(t, h.versioned(t, "1.0.0", file, v1, v2, converts))
	before := h.everything(t, crds)
	other := strings.NewReplacer("dbs", "zoos", "db", "zoo", "Db", "Zoo").Replace(h.crd())
	head, _, _ := strings.Cut(h.crd(), "  versions:")
	for name, files := range map[string]map[string]string{
		"in place": {file: head + "  versions:\n" + strings.ReplaceAll(v1+v2, "{type: object, properties: {spec", "{properties: {spec")},
		"new":      {file: head + "  versions:\n" + v1 + v2, "templates/other.yaml": strings.Replace(other, "storage: true", "storage: false", 1)},
	} {
		files["Chart.yaml"] = "apiVersion: v2\nname: house\nversion: 2.0.0\n"
		opts := h.options(t, h.chart(t, files))
		opts.InstanceNamespaces = []string{h.namespace + "-demo"}
		_, err := install.Run(t.Context(), opts)
		if err == nil || !strings.Contains(err.Error(), "prerequisites: applying CRD ") || !strings.Contains(err.Error(), "nothing in the cluster was changed") {
			t.Errorf("Run(%s) = %v, want it refused before anything is changed", name, err)
		}
		if after := h.everything(t, crds); after != before {
			t.Errorf("Run(%s) refused and changed the cluster:\nbefore\n%s\nafter\n%s", name, before, after)
		}
	}
	h.install(t, h.versioned(t, "2.0.0", file, v1, v2))
}

// A release that helm's own program keeps in ConfigMaps is found, and left alone; with its records moved into
// Secrets, as the manual says, it is upgraded like any other.
func TestReleaseInConfigMaps(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	h.makeNamespace(t)
	packed := h.chart(t, map[string]string{"templates/crd.yaml": h.crd()})
	loaded, err := packed.Helm()
	if err != nil {
		t.Fatal(err)
	}
	config := h.helm(t)
	config.Releases = storage.Init(driver.NewConfigMaps(h.client(t).CoreV1().ConfigMaps(h.namespace)))
	helms := action.NewInstall(config)
	helms.ReleaseName, helms.Namespace = "house", h.namespace
	if _, err := helms.Run(loaded, map[string]any{"image": h.relocated.Registry.Host + "/house/op:1.2.3"}); err != nil {
		t.Fatal(err)
	}
	before := h.everything(t, crds)
	var elsewhere *helm.ElsewhereError
	if _, err := install.Run(t.Context(), h.options(t, packed)); !errors.As(err, &elsewhere) {
		t.Errorf("Run() = %v, want that the release is in ConfigMaps", err)
	}
	if _, err := install.Uninstall(t.Context(), h.uninstallOptions(t)); !errors.As(err, &elsewhere) {
		t.Errorf("Uninstall() = %v, want that the release is in ConfigMaps", err)
	}
	opts := h.options(t, packed)
	opts.Subject.HelmRelease, opts.Adopt = "second", true
	var foreign *install.ForeignError
	if _, err := install.Run(t.Context(), opts); !errors.As(err, &foreign) || foreign.Adoptable() {
		t.Errorf("Run(adopt) = %v, want that the other release keeps what is its own", err)
	}
	if after := h.everything(t, crds); after != before {
		t.Errorf("what refused has changed the cluster:\nbefore\n%s\nafter\n%s", before, after)
	}

	records, err := h.client(t).CoreV1().ConfigMaps(h.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm,name=house"})
	if err != nil || len(records.Items) != 1 {
		t.Fatalf("%d records in ConfigMaps, %v, want one", len(records.Items), err)
	}
	record := records.Items[0]
	h.apply(t, fmt.Sprintf("apiVersion: v1\nkind: Secret\ntype: helm.sh/release.v1\nmetadata: {name: %s, labels: {owner: helm, name: house, version: \"1\", status: deployed}}\nstringData: {release: %q}\n",
		record.Name, record.Data["release"]))
	if err := h.client(t).CoreV1().ConfigMaps(h.namespace).Delete(t.Context(), record.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if outcome := h.install(t, packed); outcome.Revision != 2 {
		t.Errorf("Run() = revision %d, want it to go on with 2", outcome.Revision)
	}
}

// An operator whose CRDs came with another chart: its roles tell what its databases are.
func TestUninstallOfAnOperatorWithoutDefinitions(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	h.apply(t, h.crd())
	h.waitServed(t)
	role := "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: ROLE}\nrules:\n" +
		"- {apiGroups: [\"\", apps], resources: [\"*\"], verbs: [\"*\"]}\n" +
		"- {apiGroups: [cert-manager.io], resources: [certificates], verbs: [create, update, delete]}\n" +
		"- {apiGroups: [GROUP], resources: [dbs, dbs/status], verbs: [get, update]}\n"
	h.install(t, h.chart(t, map[string]string{"templates/role.yaml": strings.NewReplacer("ROLE", h.namespace, "GROUP", h.group).Replace(role)}))
	h.apply(t, h.db("precious"))
	if _, err := install.Uninstall(t.Context(), h.uninstallOptions(t)); !errors.Is(err, install.ErrInUse) || !strings.Contains(err.Error(), "Db "+h.namespace+"/precious") {
		t.Errorf("Uninstall() = %v, want that the database is in the way", err)
	}
	force := h.uninstallOptions(t)
	force.Force = true
	if removal, err := install.Uninstall(t.Context(), force); err != nil || !removal.Removed || cluster.OwnerOf(h.get(t, crds, "dbs."+h.group)) != (cluster.Owner{}) {
		t.Errorf("Uninstall(force) = %+v, %v, want it removed", removal, err)
	}
	if h.get(t, h.dbs(), "precious") == nil {
		t.Error("Uninstall(force) lost the database")
	}
}
