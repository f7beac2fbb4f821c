package cluster_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
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

// A chart may bring a secret of the pull secret's name: helm makes none that is there already.
func TestChartBringsThePullSecret(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	packed := h.chart(t, map[string]string{"templates/s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret}\nstringData: {whose: the chart's}\n"})
	for _, run := range []string{"the first install", "the second"} {
		h.warned = nil
		h.install(t, packed)
		if secret := h.get(t, secrets, "regsecret"); secret == nil || cluster.OwnerOf(secret).Release != "house" {
			t.Errorf("%s leaves the secret %v, want the chart's", run, secret)
		}
		says := "the chart brings secret regsecret in namespace " + h.namespace + " itself; it is left to the chart"
		if !slices.Contains(h.warned, says) {
			t.Errorf("%s warns %q, want %q", run, h.warned, says)
		}
	}
}

// What lies in crds/ beside CRDs is made once, and is the release's from then on.
func TestOtherObjectsInTheFolderOfDefinitions(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	const settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n"
	folder := settings + "---\n" + h.crd() + "---\n" + h.db("first")
	packed := h.chart(t, map[string]string{"crds/all.yaml": folder})

	dry := h.options(t, packed)
	dry.DryRun = true
	outcome, err := install.Run(t.Context(), dry)
	if err != nil || !slices.Contains(outcome.Actions, "make ConfigMap settings, unless it is there") {
		t.Errorf("a dry run = %q, %v, want the config map too", outcome.Actions, err)
	}

	h.install(t, packed)
	made := h.get(t, configmaps, "settings")
	if made == nil || cluster.OwnerOf(made).Release != "house" || h.get(t, h.dbs(), "first") == nil {
		t.Fatalf("the install leaves out what is in crds/ beside the CRD: %v", made)
	}
	h.apply(t, strings.Replace(settings, "a: b", "a: mine", 1))
	h.install(t, packed)
	if data := h.get(t, configmaps, "settings").Object["data"]; data.(map[string]any)["a"] != "mine" {
		t.Errorf("the second install changed it: %v", data)
	}
	if _, err := install.Uninstall(t.Context(), h.uninstallOptions(t)); err != nil {
		t.Fatal(err)
	}
	h.wantDatabase(t, "the uninstall", "first")
	h.install(t, packed)
}

// A quota refuses what any permission allows, and is not told as a missing one.
func TestQuotaIsNoPermission(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	h.makeNamespace(t)
	const quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {count/deployments.apps: 0}}\n"
	h.apply(t, quota)
	status := []byte(`{"status":{"hard":{"count/deployments.apps":"0"},"used":{"count/deployments.apps":"0"}}}`) // as a controller would
	_, err := h.client(t).CoreV1().ResourceQuotas(h.namespace).Patch(t.Context(), "none", types.MergePatchType, status, metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); !apierrors.IsForbidden(err); time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("the API server does not go by the quota: %v", err)
		}
		_, err = h.dynamic.Resource(deployments).Namespace(h.namespace).Create(t.Context(), anyDeployment(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	}
	_, err = install.Run(t.Context(), h.options(t, h.chart(t, nil)))
	if !errors.Is(err, cluster.ErrPolicy) || errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "exceeded quota") {
		t.Errorf("Run() = %v, want that the quota refuses it", err)
	}
}

func anyDeployment() *unstructured.Unstructured {
	labels := map[string]any{"a": "b"}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "any"},
		"spec": map[string]any{"selector": map[string]any{"matchLabels": labels}, "template": map[string]any{
			"metadata": map[string]any{"labels": labels},
			"spec":     map[string]any{"containers": []any{map[string]any{"name": "a", "image": "a"}}},
		}},
	}}
}

// A pull secret that is immutable is taken over where that is asked, and left alone where not.
func TestForcedSecretThatIsImmutable(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	h.makeNamespace(t)
	h.apply(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret}\nimmutable: true\ntype: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: '{\"auths\":{}}'}\n")
	opts := h.options(t, h.chart(t, nil))
	outcome, err := install.Run(t.Context(), opts)
	if err != nil || outcome.Secrets[0].Change != pullsecret.Foreign {
		t.Fatalf("Run() = %v, %v, want that the secret is left alone", outcome.Secrets, err)
	}
	opts.ForceSecret = true
	for _, want := range []pullsecret.Change{pullsecret.Created, pullsecret.Unchanged} {
		if outcome, err = install.Run(t.Context(), opts); err != nil || outcome.Secrets[0].Change != want {
			t.Fatalf("Run() with force = %v, %v, want the secret %s", outcome.Secrets, err, want)
		}
	}
}

// What is on its way out is told before anything is changed, in a dry run too: what is written there goes with it.
func TestWhatIsBeingDeleted(t *testing.T) {
	const settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n"
	for name, tt := range map[string]struct {
		leave func(t *testing.T, h *house)
		says  string
	}{
		"the namespace": {func(t *testing.T, h *house) {
			if err := h.dynamic.Resource(namespaces).Delete(t.Context(), h.namespace, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}, "Namespace NS"},
		"an object": {func(t *testing.T, h *house) {
			patch := []byte(`{"metadata":{"finalizers":["house.example.com/hold"]}}`)
			client := h.dynamic.Resource(configmaps).Namespace(h.namespace)
			if _, err := client.Patch(t.Context(), "settings", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := client.Delete(t.Context(), "settings", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}, "ConfigMap NS/settings"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.clean(t)
			packed := h.chart(t, map[string]string{"templates/c.yaml": settings})
			h.install(t, packed)
			tt.leave(t, h)
			before := h.everything(t)
			for _, dry := range []bool{true, false} {
				opts := h.options(t, packed)
				opts.DryRun = dry
				_, err := install.Run(t.Context(), opts)
				var leaving *install.LeavingError
				if want := []string{strings.ReplaceAll(tt.says, "NS", h.namespace)}; !errors.As(err, &leaving) || !slices.Equal(leaving.Objects, want) {
					t.Errorf("Run(dry: %v) = %v, want that %s is being deleted", dry, err, want)
				}
			}
			if after := h.everything(t); after != before {
				t.Errorf("what was refused changed\n%s\nto\n%s", before, after)
			}
		})
	}
}
