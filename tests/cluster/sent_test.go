package cluster_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

// A template that looks something up renders one thing for the check and another for the
// cluster. What was not checked is not sent: neither the manifest, nor a hook, nor anything of
// the release.
func TestWhatIsCheckedIsWhatIsSent(t *testing.T) {
	const looks = `{{ if lookup "v1" "Secret" .Release.Namespace "regsecret" }}%s{{ else }}{{ .Values.image }}{{ end }}`
	pod := func(image, annotations string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: looks, annotations: {%s}}\nspec: {containers: [{name: a, image: '%s'}]}\n", annotations, image)
	}
	for _, tt := range []struct {
		name, template string
		is             func(error) bool
		seenAtOnce     bool
	}{
		{"the vendor's image in the manifest", pod(fmt.Sprintf(looks, "vendor.example.com/x/other:1"), ""), isLeftover, true},
		{"the vendor's image in a hook", pod(fmt.Sprintf(looks, "vendor.example.com/x/other:1"), "helm.sh/hook: post-install"), isLeftover, true},
		{"an image from elsewhere", pod(fmt.Sprintf(looks, "quay.io/else/where:1"), ""), isLeftover, true},
		{"an image from elsewhere in a hook", pod(fmt.Sprintf(looks, "quay.io/else/where:1"), "helm.sh/hook: pre-install"), isLeftover, true},
		{"an image that nobody asked for", pod(fmt.Sprintf(looks, "{{ .Values.image }}-other"), ""), isUnasked, false},
		{"an image that nobody asked for in a hook", pod(fmt.Sprintf(looks, "{{ .Values.image }}-other"), "helm.sh/hook: pre-install"), isUnasked, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.clean(t)
			packed := h.chart(t, map[string]string{"templates/looks.yaml": tt.template})
			// The first time nothing is there yet when the chart is checked, and the pull secret
			// is when it is installed.
			_, err := install.Run(t.Context(), h.options(t, packed))
			var refused *preparation.RefusedManifestError
			if !errors.As(err, &refused) || !tt.is(err) {
				t.Fatalf("Run() = %v, want that what helm rendered is refused", err)
			}
			if h.get(t, deployments, "op") != nil || h.get(t, pods, "looks") != nil || len(h.records(t)) != 0 {
				t.Error("Run() refused what helm rendered, and sent something of it")
			}
			// The second time the check itself sees it, before anything is changed.
			_, err = install.Run(t.Context(), h.options(t, packed))
			if tt.seenAtOnce && (errors.As(err, &refused) || !tt.is(err) || !strings.Contains(err.Error(), "nothing in the cluster was changed")) {
				t.Errorf("Run() again = %v, want that the check finds it", err)
			}
		})
	}
}

// isLeftover and isUnasked tell the two ways in which what helm rendered can be wrong.
func isLeftover(err error) bool {
	var found *preparation.ProofError
	return errors.As(err, &found)
}

func isUnasked(err error) bool {
	var found *preparation.UnaskedError
	return errors.As(err, &found)
}

// What helm cannot record is refused before anything is changed.
func TestRecordTooLarge(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	noise := make([]byte, 900_000)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	opts := h.options(t, h.chart(t, map[string]string{"files/noise": string(noise)}))
	_, err := install.Run(t.Context(), opts)
	var size *helm.SizeError
	if !errors.As(err, &size) || size.Size < 900_000 || !strings.Contains(err.Error(), "nothing in the cluster was changed") {
		t.Errorf("Run() = %v, want that helm cannot record this", err)
	}
}

func TestKubeVersionOfTheCluster(t *testing.T) {
	h := newHouse(t)
	opts := h.options(t, h.chart(t, map[string]string{"Chart.yaml": "apiVersion: v2\nname: house\nversion: 1.0.0\nkubeVersion: <1.20.0\n"}))
	_, err := install.Run(t.Context(), opts)
	var refused *chart.KubeVersionError
	if !errors.As(err, &refused) || refused.Has != opts.Cluster.Version() {
		t.Errorf("Run() = %v, want that the chart does not take the cluster's version", err)
	}
}

// Verification asks for the images of hooks too.
func TestVerifyAsksForHooks(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	hook := "apiVersion: batch/v1\nkind: Job\nmetadata: {name: job, annotations: {helm.sh/hook: pre-delete}}\n" +
		"spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: '" + h.relocated.Registry.Host + "/house/op:hook'}]}}}\n"
	_, err := install.Run(t.Context(), h.options(t, h.chart(t, map[string]string{"templates/job.yaml": hook})))
	if !errors.Is(err, preparation.ErrNotMirrored) {
		t.Fatalf("Run() = %v, want that the hook's image is not there", err)
	}
	h.install(t, h.chart(t, map[string]string{"templates/job.yaml": strings.Replace(hook, "op:hook", "op:1.2.3", 1)}))
	opts := verify.Options{
		Cluster: connect(t, h.adminFile), Dial: h.relocated.Dial, HelmRelease: "house", Namespace: h.namespace, PullSecret: "regsecret", NoWorkloads: true,
	}
	check := mustVerify(t, opts)
	if len(check.Images) != 1 || !check.OK() {
		t.Errorf("Run(verify) = %+v, want one good image", check.Images)
	}
	// As an earlier install may have left it: the hook alone names an image that is not there.
	h.recordHook(t, hook)
	check = mustVerify(t, opts)
	wants(t, check, h.relocated.Registry.Host+"/house/op:hook cannot be pulled: not in the private registry")
}

// recordHook changes the hook in helm's record.
func (h *house) recordHook(t *testing.T, manifest string) {
	t.Helper()
	store := h.helm(t).Releases
	last, err := store.Last("house")
	if err != nil {
		t.Fatal(err)
	}
	last.Hooks[0].Manifest = manifest
	if err := store.Update(last); err != nil {
		t.Fatal(err)
	}
}
