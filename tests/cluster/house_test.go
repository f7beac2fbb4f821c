package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// house is a product that nothing is known of but its catalogue, with charts of the test's own,
// an image in a private registry, and a group of kinds that no other test has.
type house struct {
	*apiServer
	relocated *lab.Relocated
	group     string
	namespace string
	dynamic   dynamic.Interface
	warned    []string
}

const houseCatalogue = `
product: house
target: house
registries: {v: vendor.example.com/x}
shapes: {s: {registry: v, chart: {repository: house, tag: "{release}"}, operator: {repository: op, tag: 1.2.3}, values: {image: {image: operator, form: reference}}}}
releases: {1.0.0: {shape: s}}
`

// operator is a Deployment that becomes ready nowhere here, for there is no node.
const operator = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: op}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec: {containers: [{name: a, image: "{{ .Values.image }}"}]}
`

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{apiServer: need(t)}
	private := registrytest.InProcess(t, registrytest.Options{Accounts: []registrytest.Account{owner, puller}})
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	private.Push(t, "house/op:1.2.3", image)
	catalogue, err := catalogue.Merge(catalogue.Builtin(), "house.yaml", []byte(houseCatalogue))
	if err != nil {
		t.Fatal(err)
	}
	h.relocated = &lab.Relocated{Registry: private, Target: ref.Folder{Host: private.Host, Path: "house"}}
	if h.relocated.Product, err = catalogue.Product("house"); err != nil {
		t.Fatal(err)
	}
	if h.relocated.Release, err = h.relocated.Product.Release("1.0.0"); err != nil {
		t.Fatal(err)
	}
	h.relocated.Artifacts, err = versions.Select(catalogue, versions.Selection{Product: "house", Releases: []string{"1.0.0"}, Target: h.relocated.Target})
	if err != nil {
		t.Fatal(err)
	}
	sites++
	h.group, h.namespace = fmt.Sprintf("h%d.example.com", sites), fmt.Sprintf("house-%d", sites)
	if h.dynamic, err = dynamic.NewForConfig(h.admin); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.forgetSecrets(context.Background(), h.namespace); err != nil {
			t.Errorf("cleaning up pull secrets: %v", err)
		}
	})
	return h
}

// chart packs files as a chart of a version; an operator's Deployment comes with it.
func (h *house) chart(t *testing.T, files map[string]string) *chart.Chart {
	t.Helper()
	all := map[string]string{
		"Chart.yaml":            "apiVersion: v2\nname: house\nversion: 1.0.0\n",
		"values.yaml":           "image: vendor.example.com/x/op:1.2.3\n",
		"templates/deploy.yaml": operator,
	}
	maps.Copy(all, files)
	var buffered []*loader.BufferedFile
	for _, name := range slices.Sorted(maps.Keys(all)) {
		buffered = append(buffered, &loader.BufferedFile{Name: name, Data: []byte(all[name])})
	}
	loaded, err := loader.LoadFiles(buffered)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := chartutil.Save(loaded, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	packed, err := chart.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// crd defines databases, dbs.GROUP.
func (h *house) crd() string {
	return strings.ReplaceAll(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: dbs.GROUP}
spec:
  group: GROUP
  names: {kind: Db, plural: dbs, singular: db}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`, "GROUP", h.group)
}

// db is a database.
func (h *house) db(name string) string {
	return fmt.Sprintf("apiVersion: %s/v1\nkind: Db\nmetadata: {name: %s}\nspec: {size: 1}\n", h.group, name)
}

func (h *house) dbs() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: h.group, Version: "v1", Resource: "dbs"}
}

// options install a chart without waiting, as an administrator, for examples/rbac.yaml does not
// know this product's kinds.
func (h *house) options(t *testing.T, packed *chart.Chart) install.Options {
	t.Helper()
	own, err := h.relocated.Dial(h.relocated.Registry.Host, lab.Credentials(owner))
	if err != nil {
		t.Fatal(err)
	}
	subject := h.relocated.Subject(h.namespace)
	subject.Chart, subject.HelmRelease = packed, "house"
	return install.Options{
		Subject: subject, Cluster: connect(t, h.adminFile), Registry: own, Dial: h.relocated.Dial,
		Credentials: lab.Credentials(puller), NoWait: true, Timeout: 20 * time.Second,
		Hooks: install.Hooks{Warn: func(w install.Warning) { h.warned = append(h.warned, w.Text) }},
	}
}

func (h *house) install(t *testing.T, packed *chart.Chart) *install.Outcome {
	t.Helper()
	outcome, err := install.Run(t.Context(), h.options(t, packed))
	if err != nil {
		t.Fatalf("Run() = %v", err)
	}
	return outcome
}

func (h *house) uninstallOptions(t *testing.T) install.UninstallOptions {
	t.Helper()
	return install.UninstallOptions{
		Cluster: connect(t, h.adminFile), Product: h.relocated.Product, HelmRelease: "house", Namespace: h.namespace,
		Timeout: 20 * time.Second,
	}
}

// apply applies a text into the house's namespace, or cluster-wide.
func (h *house) apply(t *testing.T, text string) {
	t.Helper()
	namespaced := func(object *unstructured.Unstructured) bool {
		switch object.GetKind() {
		case "CustomResourceDefinition", "Namespace", "ClusterRole":
		default:
			if object.GetNamespace() == "" {
				object.SetNamespace(h.namespace)
			}
		}
		return true
	}
	if err := lab.ApplyText(t.Context(), h.admin, []byte(text), namespaced); err != nil {
		t.Fatal(err)
	}
}

// makeNamespace makes the house's namespace before anything is installed there.
func (h *house) makeNamespace(t *testing.T) {
	t.Helper()
	h.apply(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+h.namespace+"}\n")
}

// get reads an object, nil where it is not there, or on its way out.
func (h *house) get(t *testing.T, resource schema.GroupVersionResource, name string) *unstructured.Unstructured {
	t.Helper()
	client := dynamic.ResourceInterface(h.dynamic.Resource(resource))
	if resource != crds && resource != namespaces {
		client = h.dynamic.Resource(resource).Namespace(h.namespace)
	}
	found, err := client.Get(t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && found.GetDeletionTimestamp() != nil {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// wantDatabase wants the CRD, marked for helm to let it be, and the database.
func (h *house) wantDatabase(t *testing.T, after, name string) {
	t.Helper()
	definition := h.get(t, crds, "dbs."+h.group)
	switch {
	case definition == nil:
		t.Fatalf("%s deleted the CRD, and every database with it", after)
	case !cluster.Kept(definition):
		t.Errorf("after %s the CRD is not marked for helm to let it be: %v", after, definition.GetAnnotations())
	}
	if h.get(t, h.dbs(), name) == nil {
		t.Errorf("%s lost database %s", after, name)
	}
}

// everything is all that there is in the namespace of the resources given, with versions.
func (h *house) everything(t *testing.T, resources ...schema.GroupVersionResource) string {
	t.Helper()
	var text bytes.Buffer
	for _, resource := range append(resources, secrets, deployments, configmaps) {
		list, err := h.dynamic.Resource(resource).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			if resource == crds && !strings.HasSuffix(item.GetName(), h.group) {
				continue
			}
			if item.GetNamespace() == "" || item.GetNamespace() == h.namespace {
				fmt.Fprintf(&text, "%s %s %s\n", resource.Resource, item.GetName(), state(&item))
			}
		}
	}
	return text.String()
}

// state changes with every change of an object, but not with what the API server says of it by and by: the
// conditions of a CRD that helm has just made.
func state(object *unstructured.Unstructured) string {
	if object.GetKind() != "CustomResourceDefinition" {
		return object.GetResourceVersion()
	}
	return fmt.Sprint(object.GetUID(), " ", object.GetGeneration(), object.GetLabels(), object.GetAnnotations(), object.GetDeletionTimestamp())
}

var configmaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// clean removes what a house left outside of its namespace. The API server is every test's.
func (h *house) clean(t *testing.T) {
	t.Cleanup(func() {
		err := h.dynamic.Resource(crds).Delete(context.Background(), "dbs."+h.group, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
}

// kind is that of the house's databases.
func (h *house) kind() schema.GroupKind { return schema.GroupKind{Group: h.group, Kind: "Db"} }
