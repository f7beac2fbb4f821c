package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// herd is a site of the product elephants: the program relocates it from its vendor into an
// empty private registry, and installs it from there.
type herd struct {
	*site
	lab.Elephants
	file string
}

func newHerd(t *testing.T) *herd {
	t.Helper()
	need(t)
	h := &herd{site: siteOf(t, lab.At(t, private(t, "", false)))}
	h.Elephants = lab.Elephants{
		Vendor: registrytest.InProcess(t, registrytest.Options{}), Group: h.namespace + ".example.com", Namespace: h.namespace,
	}
	h.Publish(t)
	h.file = h.Catalogue(t)
	t.Cleanup(func() { h.forget(t) })
	return h
}

// forget removes the CRDs, which an uninstall keeps: the API server is every test's.
func (h *herd) forget(t *testing.T) {
	for _, plural := range []string{"clusters", "clusterimagecatalogs", "imagecatalogs"} {
		err := h.dynamic.Resource(crds).Delete(context.Background(), plural+"."+h.Group, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	}
}

// runs runs the program on the product.
func (h *herd) runs(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	args = append(args, "--product", "elephants", "--catalogue", h.file)
	if args[0] == "copy" || args[0] == "install" {
		args = append(args, "--registry", h.Registry.Host)
	}
	if args[0] != "copy" {
		args = append(args, "--kubeconfig", h.adminFile) // examples/rbac.yaml does not know these kinds
	}
	return ends(t, want, h.bare(t, args...))
}

// install installs without waiting, for no controller is there, and plays what one would do.
func (h *herd) install(t *testing.T, args ...string) (messages string) {
	t.Helper()
	_, messages = h.runs(t, 0, append([]string{"install", "--wait=false"}, args...)...)
	h.rollsOut(t, "elephants-operator")
	return messages
}

func (h *herd) catalogResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: h.Group, Version: "v1", Resource: "clusterimagecatalogs"}
}

func (h *herd) clusterResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: h.Group, Version: "v1", Resource: "clusters"}
}

// name and image are what the product calls them.
func (h *herd) name(kind string) string { return h.Group + "-" + kind }

func (h *herd) image(tag string) string {
	return h.Registry.Host + "/elephants/postgresql:" + tag
}

// catalogs are the images of each catalog in the cluster, each as MAJOR=IMAGE.
func (h *herd) catalogs(t *testing.T) map[string]string {
	t.Helper()
	list, err := h.dynamic.Resource(h.catalogResource()).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, item := range list.Items {
		entries, _, _ := unstructured.NestedSlice(item.Object, "spec", "images")
		var texts []string
		for _, entry := range entries {
			fields := entry.(map[string]any)
			texts = append(texts, fmt.Sprintf("%v=%v", fields["major"], fields["image"]))
		}
		slices.Sort(texts)
		all[item.GetName()] = strings.Join(texts, " ")
	}
	return all
}

func (h *herd) wantCatalogs(t *testing.T, after string, want map[string]string) {
	t.Helper()
	if got := h.catalogs(t); !maps.Equal(got, want) {
		t.Errorf("after %s the catalogs are\n%v\nwant\n%v", after, got, want)
	}
}

// database makes a database that takes its image from a catalog.
func (h *herd) database(t *testing.T, name, catalog string) {
	t.Helper()
	h.databaseOf(t, name, catalog, 17)
}

func (h *herd) databaseOf(t *testing.T, name, catalog string, major int64) {
	t.Helper()
	_, err := h.dynamic.Resource(h.clusterResource()).Namespace(h.namespace).Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": h.Group + "/v1", "kind": "Cluster", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"imageCatalogRef": map[string]any{"apiGroup": h.Group, "kind": "ClusterImageCatalog", "name": catalog, "major": major}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// waitServed waits until the API server knows the product's kinds.
func (h *herd) waitServed(t *testing.T) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		known, err := connect(t, h.adminFile).Knows(t.Context(), schema.GroupKind{Group: h.Group, Kind: "ClusterImageCatalog"})
		if known {
			return
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("the API server does not serve the catalogs: %v", err)
		}
	}
}

// edit changes the first image of a catalog by hand.
func (h *herd) edit(t *testing.T, catalog, image string) {
	t.Helper()
	patch := fmt.Sprintf(`[{"op":"replace","path":"/spec/images/0/image","value":%q}]`, image)
	if _, err := h.dynamic.Resource(h.catalogResource()).Patch(t.Context(), catalog, types.JSONPatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// rollsOut plays the part of controllers and nodes: a Deployment is ready.
func (s *site) rollsOut(t *testing.T, deployment string) {
	t.Helper()
	status := `{"status":{"observedGeneration":1000,"replicas":1,"updatedReplicas":1,"readyReplicas":1,"availableReplicas":1,
		"conditions":[{"type":"Available","status":"True","reason":"x","message":"x"},{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable","message":"x"}]}}`
	_, err := s.dynamic.Resource(deployments).Namespace(s.namespace).Patch(t.Context(), deployment, types.MergePatchType, []byte(status), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
}

// Catalogs are made of what was relocated and of nothing else, grow with it, and the operator's
// defaults, which no manifest of the vendor's names, are images that were relocated.
func TestCatalogsOfWhatWasRelocated(t *testing.T) {
	h := newHerd(t)
	standard := h.name("standard-trixie")
	h.runs(t, 0, "copy", "--release", "1.0.0", "--versions", "16.10")
	h.install(t, "--release", "1.0.0")
	h.wantCatalogs(t, "the first install", map[string]string{standard: "16=" + h.image("16.10-standard-trixie")})
	config, err := h.client(t).CoreV1().ConfigMaps(h.namespace).Get(t.Context(), "elephants-config", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"POSTGRES_IMAGE_NAME": h.image("16.10-standard-trixie"), "POOLER_IMAGE_NAME": h.Registry.Host + "/elephants/pooler:1.24.1", "PULL_SECRET_NAME": "regsecret",
	}
	if !maps.Equal(config.Data, want) {
		t.Errorf("the operator is told %v, want %v", config.Data, want)
	}
	if _, err := h.client(t).CoreV1().Secrets(h.namespace).Get(t.Context(), config.Data["PULL_SECRET_NAME"], metav1.GetOptions{}); err != nil {
		t.Errorf("the pull secret that the operator is told: %v", err)
	}

	h.runs(t, 0, "copy", "--release", "1.0.0", "--versions", "17.6")
	h.runs(t, 0, "copy", "--release", "1.0.0", "--versions", "17.6", "--axis", "os=bookworm")
	h.install(t, "--release", "1.0.0")
	h.wantCatalogs(t, "another version and another system were relocated", map[string]string{
		standard:                    "16=" + h.image("16.10-standard-trixie") + " 17=" + h.image("17.6-standard-trixie"),
		h.name("standard-bookworm"): "17=" + h.image("17.6-standard-bookworm"),
	})

	out, _ := h.runs(t, 0, "verify", "-o", "json")
	var check struct {
		Versions []struct {
			Name  string
			Pulls bool
		}
	}
	if err := json.Unmarshal([]byte(out), &check); err != nil || len(check.Versions) != 3 {
		t.Errorf("verify -o json = %s, %v, want an entry for each of three images", out, err)
	}
	h.edit(t, h.name("standard-bookworm"), h.image("16.10-standard-trixie"))
	_, messages := h.runs(t, 5, "verify")
	if !strings.Contains(messages, h.name("standard-bookworm")) || !strings.Contains(messages, "is not as the release made it") || strings.Contains(messages, standard) {
		t.Errorf("verify says\n%s\nwant the one entry that was edited", messages)
	}
	h.install(t, "--release", "1.0.0") // and mends it
	h.runs(t, 0, "verify")

	// The next release knows one version more.
	h.runs(t, 0, "copy", "--release", "2.0.0", "--versions", "18.1")
	h.install(t)
	h.wantCatalogs(t, "the upgrade", map[string]string{
		standard:                    "16=" + h.image("16.10-standard-trixie") + " 17=" + h.image("17.6-standard-trixie") + " 18=" + h.image("18.1-standard-trixie"),
		h.name("standard-bookworm"): "17=" + h.image("17.6-standard-bookworm"),
	})
	h.runs(t, 0, "verify")
}

// A catalog that nobody owns is taken over only where that is asked for.
func TestCatalogThatIsThereAlready(t *testing.T) {
	h := newHerd(t)
	standard := h.name("standard-trixie")
	h.runs(t, 0, "copy", "--release", "1.0.0", "--versions", "17.6")
	if err := lab.ApplyText(t.Context(), h.admin, []byte(h.CRDs()), nil); err != nil {
		t.Fatal(err)
	}
	h.waitServed(t)
	by := fmt.Sprintf("apiVersion: %s/v1\nkind: ClusterImageCatalog\nmetadata: {name: %s}\nspec: {images: [{major: 17, image: %q}]}\n",
		h.Group, standard, h.Vendor.Host+"/elephants/postgresql:17.6-standard-trixie")
	if err := lab.ApplyText(t.Context(), h.admin, []byte(by), nil); err != nil {
		t.Fatal(err)
	}
	_, messages := h.runs(t, 1, "install", "--release", "1.0.0", "--wait=false")
	if !strings.Contains(messages, "ClusterImageCatalog "+standard+" belongs to no helm release") || !strings.Contains(messages, "--adopt") {
		t.Errorf("install says\n%s\nwant the catalog that is there, and --adopt", messages)
	}
	h.install(t, "--release", "1.0.0", "--adopt")
	h.wantCatalogs(t, "it was taken over", map[string]string{standard: "17=" + h.image("17.6-standard-trixie")})
	h.runs(t, 0, "verify")
}

// While a database exists nothing is uninstalled; when none does, the CRDs stay.
func TestUninstallWithCatalogs(t *testing.T) {
	h := newHerd(t)
	standard := h.name("standard-trixie")
	h.runs(t, 0, "copy", "--release", "1.0.0", "--versions", "17.6")
	h.install(t, "--release", "1.0.0")
	h.database(t, "payroll", standard)
	_, messages := h.runs(t, 1, "uninstall")
	if !strings.Contains(messages, h.namespace+"/payroll") {
		t.Errorf("uninstall says\n%s\nwant the database", messages)
	}
	h.wantCatalogs(t, "an uninstall that was refused", map[string]string{standard: "17=" + h.image("17.6-standard-trixie")})
	h.runs(t, 0, "verify")

	h.runs(t, 0, "uninstall", "--force")
	if _, err := h.dynamic.Resource(h.clusterResource()).Namespace(h.namespace).Get(t.Context(), "payroll", metav1.GetOptions{}); err != nil {
		t.Errorf("the database after uninstall --force: %v", err)
	}
	for _, plural := range []string{"clusters", "clusterimagecatalogs", "imagecatalogs"} {
		if _, err := h.dynamic.Resource(crds).Get(t.Context(), plural+"."+h.Group, metav1.GetOptions{}); err != nil {
			t.Errorf("a CRD after uninstall --force: %v", err)
		}
	}

	// Whoever installs again has everything as it was.
	h.install(t, "--release", "1.0.0")
	h.wantCatalogs(t, "an uninstall and an install", map[string]string{standard: "17=" + h.image("17.6-standard-trixie")})
	h.runs(t, 0, "verify")
}

// What a database takes its image from stays, although the image is in the registry no more.
func TestCatalogInUseStays(t *testing.T) {
	h := newHerd(t)
	standard, bookworm := h.name("standard-trixie"), h.name("standard-bookworm")
	h.runs(t, 0, "copy", "--release", "1.0.0", "--versions", "17.6,16.10")
	h.runs(t, 0, "copy", "--release", "1.0.0", "--versions", "17.6", "--axis", "os=bookworm")
	h.install(t, "--release", "1.0.0")
	before := h.catalogs(t)
	h.database(t, "payroll", bookworm)
	untag(t, h.Registry, "elephants/postgresql:17.6-standard-bookworm")
	untag(t, h.Registry, "elephants/postgresql:17.6-standard-trixie")
	messages := h.install(t, "--release", "1.0.0")
	h.wantCatalogs(t, "an install once images are gone", map[string]string{
		bookworm: before[bookworm],
		standard: before[standard],
	})
	if !strings.Contains(messages, "kept, for databases use them or a catalog of the cluster has them already, although their image is not in the registry: ") || !strings.Contains(messages, bookworm) {
		t.Errorf("install says\n%s\nwant what it kept", messages)
	}
}
