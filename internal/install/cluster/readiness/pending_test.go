package readiness_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: pg, generation: 2}
spec: {replicas: 2, selector: {matchLabels: {app: op}}}
`

// pod is one of the deployment's, with a status.
func pod(name, status string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: pg, labels: {app: op}}
spec: {serviceAccountName: sa, imagePullSecrets: [{name: regsecret}], containers: [{name: a, image: x}]}
status: %s
`, name, status)
}

func waiting(reason, message string) string {
	text, _ := json.Marshal(message)
	return fmt.Sprintf("{phase: Pending, containerStatuses: [{name: a, image: x, imageID: '', ready: false, restartCount: 0, state: {waiting: {reason: %s, message: %s}}}]}", reason, text)
}

// A workload that is not ready is explained in the words of whoever knows.
func TestWhyNotReady(t *testing.T) {
	for _, tt := range []struct {
		name, extra string
		reason      string
		kind        readiness.TroubleKind
	}{
		{"no pods", "", "it has not become ready yet", readiness.UnknownTrouble},
		{"no such secret", pod("p", waiting("ImagePullBackOff", "401 Unauthorized")), "pod p: ImagePullBackOff: 401 Unauthorized", readiness.PullSecretMissing},
		{"a refused secret", pod("p", waiting("ErrImagePull", "403 Forbidden")) + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: pg}\n", "pod p: ErrImagePull: 403 Forbidden", readiness.PullSecretRefused},
		{"no secret named", strings.Replace(pod("p", waiting("ErrImagePull", "denied")), "imagePullSecrets: [{name: regsecret}], ", "", 1), "pod p: ErrImagePull: denied", readiness.NoPullSecret},
		{"an unknown authority", pod("p", waiting("ErrImagePull", "x509: certificate signed by unknown authority")), "pod p: ErrImagePull: x509: certificate signed by unknown authority", readiness.Untrusted},
		{"plain HTTP", pod("p", waiting("ErrImagePull", "server gave HTTP response to HTTPS client")), "pod p: ErrImagePull: server gave HTTP response to HTTPS client", readiness.PlainHTTP},
		{"an image that is not there", pod("p", waiting("ErrImagePull", "r.example.com/a:1: not found")), "pod p: ErrImagePull: r.example.com/a:1: not found", readiness.NotInRegistry},
		{"no way there", pod("p", waiting("ErrImagePull", "dial tcp: connection refused")), "pod p: ErrImagePull: dial tcp: connection refused", readiness.Unreachable},
		{"too many", pod("p", waiting("ErrImagePull", "toomanyrequests: slow down")), "pod p: ErrImagePull: toomanyrequests: slow down", readiness.TooMany},
		{"something else", pod("p", waiting("CreateContainerConfigError", "no such configmap")), "pod p: CreateContainerConfigError: no such configmap", readiness.UnknownTrouble},
		{"a crash", pod("p", "{phase: Running, containerStatuses: [{name: a, image: x, imageID: i, ready: false, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 2, reason: Error}}}]}"),
			"pod p: container a ended with exit code 2 (Error)", readiness.Crashing},
		{"no node", pod("p", "{phase: Pending, conditions: [{type: PodScheduled, status: 'False', message: 0/1 nodes are available}]}"), "pod p: no node takes it: 0/1 nodes are available", readiness.UnknownTrouble},
		{"a warning", pod("p", "{phase: Pending}") + `---
apiVersion: v1
kind: Event
metadata: {name: e, namespace: pg}
involvedObject: {kind: Pod, name: p}
type: Warning
message: volume cannot be mounted
lastTimestamp: "2026-01-01T00:00:00Z"
`, "pod p: volume cannot be mounted", readiness.UnknownTrouble},
		{"an answer in the events", pod("p", waiting("ImagePullBackOff", `Back-off pulling image "x"`)) + `---
apiVersion: v1
kind: Event
metadata: {name: e, namespace: pg}
involvedObject: {kind: Pod, name: p}
type: Warning
reason: Failed
message: 'Failed to pull image "x": dial tcp: no route to host'
eventTime: "2026-01-01T00:00:00.000000Z"
`, "pod p: ImagePullBackOff: dial tcp: no route to host", readiness.Unreachable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := clustertest.New(t)
			server.Put(t, deployment+"---\n"+tt.extra)
			got := readiness.WhyNotReady(t.Context(), server.Connect(t), server.Get("deployments.apps", "pg", "op"))
			if got.Object != "Deployment pg/op" || got.Reason != tt.reason || got.Trouble.Kind != tt.kind {
				t.Errorf("WhyNotReady() = %q, trouble %v, want %q, %v", got, got.Trouble.Kind, tt.reason, tt.kind)
			}
		})
	}
}

// Pods that cannot even be made are the workload's own condition.
func TestWhyNotReadyWithoutPods(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, deployment+"status: {conditions: [{type: ReplicaFailure, status: 'True', message: quota exceeded}]}\n")
	c, workload := server.Connect(t), server.Get("deployments.apps", "pg", "op")
	if got := readiness.WhyNotReady(t.Context(), c, workload); got.Reason != "quota exceeded" {
		t.Errorf("WhyNotReady() = %q, want the quota", got)
	}
	server.Refuse(func(*http.Request) *clustertest.Refusal { return &clustertest.Refusal{Code: 500, Message: "down"} })
	if got := readiness.WhyNotReady(t.Context(), c, workload); got.Reason != "quota exceeded" {
		t.Errorf("WhyNotReady() of a server that is down = %q, want what is known", got)
	}
}

func TestRolledOut(t *testing.T) {
	for _, tt := range []struct {
		kind, status string
		want         bool
	}{
		{"Deployment", "{observedGeneration: 2, availableReplicas: 2, updatedReplicas: 2}", true},
		{"Deployment", "{observedGeneration: 2, availableReplicas: 2, updatedReplicas: 1}", false},
		{"Deployment", "{observedGeneration: 1, availableReplicas: 2, updatedReplicas: 2}", false},
		{"StatefulSet", "{observedGeneration: 2, readyReplicas: 2, updatedReplicas: 2}", true},
		{"StatefulSet", "{observedGeneration: 2, readyReplicas: 1, updatedReplicas: 2}", false},
		{"DaemonSet", "{observedGeneration: 2, desiredNumberScheduled: 3, numberAvailable: 3, updatedNumberScheduled: 3}", true},
		{"DaemonSet", "{observedGeneration: 2, desiredNumberScheduled: 3, numberAvailable: 2, updatedNumberScheduled: 3}", false},
	} {
		workload := parse(t, strings.Replace(deployment, "Deployment", tt.kind, 1)+"status: "+tt.status+"\n")
		if got := readiness.RolledOut(&workload.Unstructured); got != tt.want {
			t.Errorf("RolledOut(%s %s) = %v, want %v", tt.kind, tt.status, got, tt.want)
		}
	}
}

func TestPulled(t *testing.T) {
	for _, tt := range []struct {
		status       string
		pulled, fail bool
	}{
		{waiting("ContainerCreating", ""), false, false},
		{waiting("ImagePullBackOff", ""), false, true},
		{waiting("RunContainerError", "no such file"), true, false},
		{"{containerStatuses: [{name: a, image: x, imageID: 'sha256:1', ready: false, restartCount: 0, state: {}}]}", true, false},
		{"{containerStatuses: [{name: a, image: x, imageID: '', ready: false, restartCount: 0, state: {terminated: {exitCode: 1}}}]}", true, false},
		{"{}", false, false},
	} {
		var read corev1.Pod
		if err := yaml.Unmarshal([]byte(pod("p", tt.status)), &read); err != nil {
			t.Fatal(err)
		}
		if pulled, failed := readiness.Pulled(&read), readiness.PullFailed(&read); pulled != tt.pulled || failed != tt.fail {
			t.Errorf("Pulled(%s) = %v, PullFailed() = %v, want %v, %v", tt.status, pulled, failed, tt.pulled, tt.fail)
		}
	}
}

func TestNotReadyError(t *testing.T) {
	err := error(&readiness.NotReadyError{Pending: []readiness.Pending{{Object: "Deployment a/b", Reason: "no"}, {Object: "Job a/c", Reason: "not yet"}}})
	if !errors.Is(err, cluster.ErrNotReady) || err.Error() != "not ready: Deployment a/b: no; Job a/c: not yet" {
		t.Errorf("NotReadyError = %v", err)
	}
}

// parse reads the one object of a manifest.
func parse(t *testing.T, manifest string) chart.Object {
	t.Helper()
	rendering, err := chart.ParseManifest(manifest)
	if err != nil || len(rendering.Objects) != 1 {
		t.Fatalf("ParseManifest() = %v, %v, want one object", rendering, err)
	}
	return rendering.Objects[0]
}
