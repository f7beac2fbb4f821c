package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"

	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// records is helm's own view of its releases in the site's namespace.
func (s *site) records(t *testing.T) *storage.Storage {
	t.Helper()
	return storage.Init(driver.NewSecrets(s.client(t).CoreV1().Secrets(s.namespace)))
}

// state is the state of the newest revision.
func (s *site) state(t *testing.T) string {
	t.Helper()
	last, err := s.records(t).Last("postgres-operator")
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return "none"
	}
	if err != nil {
		t.Fatal(err)
	}
	return last.Info.Status.String()
}

// A run that was killed leaves its record pending. The hint is the way out.
func TestPendingUpgrade(t *testing.T) {
	s := newSite(t)
	s.mustInstall(t, s.options(t))
	for i, status := range []helmrelease.Status{helmrelease.StatusPendingInstall, helmrelease.StatusPendingUpgrade, helmrelease.StatusPendingRollback} {
		t.Run(status.String(), func(t *testing.T) {
			revision := 2 + i // the one that is left pending, and then made for good
			last, err := s.records(t).Last("postgres-operator")
			if err != nil {
				t.Fatal(err)
			}
			last.Version++
			last.Info.Status = status
			if err := s.records(t).Create(last); err != nil {
				t.Fatal(err)
			}
			record := fmt.Sprintf("sh.helm.release.v1.postgres-operator.v%d", revision)
			s.untouched(t, s.options(t), helm.ErrBusy, status.String(), fmt.Sprintf("revision %d", revision))
			var busy *helm.BusyError
			if _, err := install.Run(t.Context(), s.options(t)); !errors.As(err, &busy) || busy.Record() != record || busy.Revision.Namespace != s.namespace {
				t.Errorf("Run() = %v, want that %s in %s is the record", err, record, s.namespace)
			}

			if err := s.dynamic.Resource(secrets).Namespace(s.namespace).Delete(t.Context(), record, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			if report := s.mustInstall(t, s.options(t)); report.Revision != revision {
				t.Errorf("Run() after the hint = revision %d, want %d", report.Revision, revision)
			}
		})
	}
}

// The second install is refused while the first one waits. The first one, interrupted,
// ends: the release is recorded as failed, and the third install goes through.
func TestSecondInstallAndInterrupt(t *testing.T) {
	s := newSite(t)
	first := s.options(t)
	first.NoWait, first.Timeout = false, 2*time.Minute
	waiting := make(chan []readiness.Pending, 100)
	first.Hooks.Waiting = func(p []readiness.Pending) { waiting <- p }
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() {
		_, err := install.Run(ctx, first)
		ended <- err
	}()
	var pending []readiness.Pending
	select {
	case pending = <-waiting:
	case err := <-ended:
		t.Fatalf("Run() = %v before it waited", err)
	}
	if len(pending) != 1 || pending[0].Object != "Deployment "+s.namespace+"/postgres-operator" {
		t.Errorf("Run() waits for %v, want the operator's deployment", pending)
	}
	_ = s.fails(t, s.options(t), helm.ErrBusy, "pending-install")

	interrupt := errors.New("interrupted")
	begin := time.Now()
	cancel(interrupt)
	err := <-ended
	if !errors.Is(err, interrupt) || !strings.Contains(err.Error(), "revision 1 in state failed") {
		t.Errorf("Run() interrupted = %v, want that revision 1 failed", err)
	}
	if took := time.Since(begin); took > first.Timeout/2 {
		t.Errorf("Run() took %v to end, want seconds", took)
	}
	if got := s.state(t); got != "failed" {
		t.Errorf("after the interrupt helm records %q, want failed", got)
	}
	if report := s.mustInstall(t, s.options(t)); report.Revision != 2 || s.state(t) != "deployed" {
		t.Errorf("Run() after the interrupt = revision %d in state %s, want 2, deployed", report.Revision, s.state(t))
	}
}

// Ctrl-C at the beginning of each step: the error says what is left, and running again
// carries on.
func TestInterruptInEachStep(t *testing.T) {
	s := newSite(t)
	interrupt := errors.New("interrupted")
	for _, tt := range []struct {
		step string
		want string
	}{
		{"chart", "nothing in the cluster was changed"},
		{"images", "nothing in the cluster was changed"},
		{"prerequisites", "nothing in the cluster was changed"},
		{"permissions", "nothing in the cluster was changed"},
		{"namespaces", "nothing in the cluster was changed"},
		{"pull secrets", "namespace " + s.namespace + " created"},
		{"definitions", "secret regsecret in namespace " + s.namespace + " created"},
		{"operator", "2 CRDs applied"},
		{"verification", "revision 1 in state deployed"},
	} {
		opts := s.options(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		opts.Hooks.Step = func(e install.StepEvent) {
			if e.Name == tt.step && e.Phase == install.Started {
				cancel(interrupt)
			}
		}
		if tt.step == "operator" {
			// The changes of earlier steps were made by earlier runs: begin anew.
			opts.InstanceNamespaces = []string{s.namespace + "-more"}
		}
		_, err := install.Run(ctx, opts)
		cancel(nil)
		if !errors.Is(err, interrupt) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("interrupted at %q: %v, want %q", tt.step, err, tt.want)
		}
		if tt.step != "verification" && s.state(t) != "none" {
			t.Errorf("interrupted at %q: helm records %s, want none", tt.step, s.state(t))
		}
	}
	if report := s.mustInstall(t, s.options(t)); report.Revision != 2 {
		t.Errorf("Run() after all interrupts = revision %d, want 2", report.Revision)
	}
}

// What does not become ready is said in the words of the node and of the registry, and
// not as a deadline. Here the test plays the kubelet.
func TestNotReady(t *testing.T) {
	tests := []struct {
		name          string
		atomic        bool
		state, wanted string
	}{
		{"kept", false, "failed", "revision 1 in state failed"},
		{"undone", true, "none", "there is no helm release postgres-operator now"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			opts := s.options(t)
			opts.NoWait, opts.Atomic, opts.Timeout = false, tt.atomic, 2*time.Second
			opts.Hooks.Step = func(e install.StepEvent) {
				if e.Name == "operator" && e.Phase == install.Started {
					s.failingPod(t)
				}
			}
			err := s.fails(t, opts, cluster.ErrNotReady, "ImagePullBackOff", "401 Unauthorized", tt.wanted)
			var notReady *readiness.NotReadyError
			if !errors.As(err, &notReady) || notReady.Pending[0].Trouble.Kind != readiness.PullSecretRefused {
				t.Errorf("Run() = %#v, want that the secret is refused", notReady)
			}
			if strings.Contains(err.Error(), "deadline") {
				t.Errorf("Run() = %v, want no word of a deadline", err)
			}
			if got := s.state(t); got != tt.state {
				t.Errorf("afterwards helm records %q, want %q", got, tt.state)
			}
		})
	}
}

// failingPod is what a kubelet makes of an image that it cannot pull.
func (s *site) failingPod(t *testing.T) {
	pod := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": "postgres-operator-1", "labels": map[string]any{"app": "postgres-operator"}},
		"spec": map[string]any{
			"imagePullSecrets": []any{map[string]any{"name": "regsecret"}},
			"containers":       []any{map[string]any{"name": "postgres-operator", "image": "x"}},
		},
	}}
	if err := ensureAccount(t.Context(), s); err != nil {
		t.Error(err)
	}
	created, err := s.dynamic.Resource(pods).Namespace(s.namespace).Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Error(err)
		return
	}
	message := `Back-off pulling image "x": ErrImagePull: rpc error: code = Unknown desc = failed to pull and unpack image "x": failed to resolve reference "x": pulling from host r failed with status code [manifests v1]: 401 Unauthorized`
	created.Object["status"] = map[string]any{"phase": "Pending", "containerStatuses": []any{map[string]any{
		"name": "postgres-operator", "image": "x", "imageID": "", "ready": false, "restartCount": int64(0),
		"state": map[string]any{"waiting": map[string]any{"reason": "ImagePullBackOff", "message": message}},
	}}}
	if _, err := s.dynamic.Resource(pods).Namespace(s.namespace).UpdateStatus(t.Context(), created, metav1.UpdateOptions{}); err != nil {
		t.Error(err)
	}
}

// ensureAccount makes the default service account, which a controller would make.
func ensureAccount(ctx context.Context, s *site) error {
	text := "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: " + s.namespace + "}\n"
	return lab.ApplyText(ctx, s.admin, []byte(text), nil)
}

// Somebody else manages a CRD and wants it otherwise.
func TestDefinitionConflict(t *testing.T) {
	s := newSite(t)
	s.mustInstall(t, s.options(t))
	crd, err := s.dynamic.Resource(crds).Get(t.Context(), "postgresversions.sql.tanzu.vmware.com", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedStringSlice(crd.Object, []string{"theirs"}, "spec", "names", "shortNames"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.dynamic.Resource(crds).Update(t.Context(), crd, metav1.UpdateOptions{FieldManager: "argocd-controller"}); err != nil {
		t.Fatal(err)
	}
	_ = s.fails(t, s.options(t), cluster.ErrConflict, "postgresversions.sql.tanzu.vmware.com", `"argocd-controller" (1 fields)`)
	opts := s.options(t)
	opts.ForceConflicts = true
	s.mustInstall(t, opts)
}
