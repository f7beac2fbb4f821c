package cluster_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// helmReleases are the helm releases of the namespace, each once.
func (h *herd) helmReleases(t *testing.T) []string {
	t.Helper()
	found, err := h.client(t).CoreV1().Secrets(h.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, secret := range found.Items {
		names = append(names, secret.Labels["name"])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A second chart that was copied is installed, verified, upgraded and uninstalled with the first,
// as a helm release of its own; the pull secret is the operator's.
func TestSeveralCharts(t *testing.T) {
	h := newHerd(t)
	h.runs(t, 0, "copy", "--release", "1.0.0", "--versions", "17.6")
	h.install(t, "--release", "1.0.0")
	if got := h.helmReleases(t); !slices.Equal(got, []string{"elephants"}) {
		t.Errorf("install makes the helm releases %v, want the operator's alone: the other chart was not copied", got)
	}

	h.runs(t, 0, "copy", "--release", "1.0.0", "--versions", "17.6", "--extras", "pooler,backup")
	out, _ := h.runs(t, 0, "install", "--release", "1.0.0", "--dry-run")
	if !strings.Contains(out, h.Registry.Host+"/elephants/saver:1.0.0") {
		t.Errorf("install --dry-run prints\n%s\nwant the second chart too", out)
	}
	h.install(t, "--release", "1.0.0")
	if got := h.helmReleases(t); !slices.Equal(got, []string{"elephants", "elephants-backup"}) {
		t.Errorf("install makes the helm releases %v, want both", got)
	}
	_, messages := h.runs(t, 5, "verify")
	if !strings.Contains(messages, "Deployment "+h.namespace+"/elephants-backup is not ready") {
		t.Errorf("verify says\n%s\nwant the second chart's Deployment, which nobody rolls out", messages)
	}
	h.rollsOut(t, "elephants-backup")
	out, _ = h.runs(t, 0, "verify", "-o", "json")
	var check struct {
		Beside []struct{ HelmRelease, Chart string }
		Images []struct{ Image string }
	}
	if err := json.Unmarshal([]byte(out), &check); err != nil || len(check.Beside) != 1 || check.Beside[0].HelmRelease != "elephants-backup" || check.Beside[0].Chart != "backup 1.0.0" {
		t.Errorf("verify -o json = %s, %v, want backup 1.0.0 beside the operator", out, err)
	}
	if image := h.Registry.Host + "/elephants/saver:1.0.0"; !strings.Contains(out, image) {
		t.Errorf("verify -o json = %s, want %s", out, image)
	}

	// The next release's second chart was not copied: the one that is there stays, and is told of.
	h.runs(t, 0, "copy", "--release", "2.0.0", "--versions", "17.6")
	messages = h.install(t)
	if !strings.Contains(messages, "helm release elephants-backup stays as it is, backup 1.0.0: the chart backup of 2.0.0 was not copied") {
		t.Errorf("install says\n%s\nwant what stays behind", messages)
	}
	h.runs(t, 0, "copy", "--release", "2.0.0", "--versions", "17.6", "--extras", "pooler,backup")
	h.install(t, "--only", "backup")
	h.rollsOut(t, "elephants-backup")
	h.runs(t, 0, "verify")

	h.database(t, "payroll", h.name("standard-trixie"))
	h.runs(t, 1, "uninstall")
	if got := h.helmReleases(t); len(got) != 2 {
		t.Errorf("an uninstall that was refused leaves %v, want both", got)
	}
	if err := h.dynamic.Resource(h.clusterResource()).Namespace(h.namespace).Delete(t.Context(), "payroll", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	out, _ = h.runs(t, 0, "uninstall")
	if want := "removed helm release " + h.namespace + "/elephants-backup\nremoved helm release " + h.namespace + "/elephants\n"; !strings.HasPrefix(out, want) {
		t.Errorf("uninstall says\n%s\nwant first\n%s", out, want)
	}
	if got := h.helmReleases(t); len(got) > 0 {
		t.Errorf("uninstall leaves %v", got)
	}
	if _, err := h.client(t).CoreV1().Secrets(h.namespace).Get(t.Context(), "regsecret", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the pull secret after uninstall: %v, want that it is gone", err)
	}
}

// What a real API server says of databases decides who is told to move: those that name the image
// that vanishes, wherever it was relocated to.
func TestUpgradePreviewAsksTheCluster(t *testing.T) {
	h := newHerd(t)
	h.runs(t, 0, "copy", "--release", "2.0.0", "--versions", "18.1,17.6")
	h.install(t, "--release", "2.0.0")
	for name, image := range map[string]string{"young": h.image("18.1-standard-trixie"), "old": h.image("17.6-standard-trixie")} {
		_, err := h.dynamic.Resource(h.clusterResource()).Namespace(h.namespace).Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": h.Group + "/v1", "kind": "Cluster", "metadata": map[string]any{"name": name}, "spec": map[string]any{"imageName": image},
		}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	// By a catalog and a major, as most do: only one of them leads to what vanishes.
	for name, major := range map[string]int64{"catalogued": 18, "settled": 17} {
		h.databaseOf(t, name, h.name("standard-trixie"), major)
	}
	out, _ := h.runs(t, 0, "upgrade-preview", "--from", "2.0.0", "--to", "1.0.0")
	if strings.Count(out, "USED BY") != 1 || !strings.Contains(out, "18.1-standard-trixie") || !strings.Contains(out, "USED BY "+h.namespace+"/catalogued, "+h.namespace+"/young\n") {
		t.Errorf("upgrade-preview prints\n%s\nwant that %s/catalogued and %s/young use what vanishes, and nobody else", out, h.namespace, h.namespace)
	}
}
