package verify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// upgrade brings the bench's release to a chart of these templates.
func (b *bench) upgrade(t *testing.T, templates map[string]string) {
	t.Helper()
	files := map[string]string{"Chart.yaml": "apiVersion: v2\nname: house\nversion: 1.0.1\n"}
	for name, text := range templates {
		files["templates/"+name] = text
	}
	packed, err := chart.Parse(charttest.Pack(t, files))
	if err != nil {
		t.Fatal(err)
	}
	b.options.Cluster.Refresh()
	releases, err := helm.Open(t.Context(), b.options.Cluster, "pg", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := releases.Install(t.Context(), helm.Request{Name: "house", Chart: packed, Timeout: time.Second}); err != nil {
		t.Fatal(err)
	}
}

// defining is a CRD.
func defining(group, kind, plural string) string {
	return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: " + plural + "." + group + "}\n" +
		"spec: {group: " + group + ", names: {kind: " + kind + ", plural: " + plural + ", singular: " + strings.ToLower(kind) + "}, scope: Namespaced, versions: [{name: v1, served: true, storage: true}]}\n"
}

// running is a workload of a kind, with a container of this image.
func running(apiVersion, kind, name, image string) string {
	return "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: " + name + "}\n" +
		"spec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: '" + image + "'}]}}}\n"
}

// An image is asked for wherever a release names it: in each kind of workload, in containers that run first or
// are volumes, in environment variables of the operator, and in custom resources; each once.
func TestImagesOfEveryKind(t *testing.T) {
	b := newBench(t)
	b.Put(t, defining("lab.example.com", "Backup", "backups"))
	container := "containers: [{name: a, image: r.example.com/pg/"
	b.upgrade(t, map[string]string{
		"deployment.yaml":  running("apps/v1", "Deployment", "op", "r.example.com/pg/deployment:1"),
		"daemonset.yaml":   running("apps/v1", "DaemonSet", "agent", "r.example.com/pg/daemonset:1"),
		"statefulset.yaml": running("apps/v1", "StatefulSet", "store", "r.example.com/pg/statefulset@sha256:"+strings.Repeat("c", 64)),
		"again.yaml":       running("apps/v1", "Deployment", "twin", "r.example.com/pg/deployment:1"),
		"job.yaml":         "apiVersion: batch/v1\nkind: Job\nmetadata: {name: job}\nspec: {template: {spec: {restartPolicy: Never, initContainers: [{name: i, image: 'r.example.com/pg/init:1'}], " + container + "job:1'}]}}}\n",
		"pod.yaml":         "apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\nspec: {" + container + "pod:1, env: [{name: RELATED_IMAGE_PROXY, value: 'r.example.com/pg/related:1'}]}]}\n",
		"backup.yaml":      "apiVersion: lab.example.com/v1\nkind: Backup\nmetadata: {name: nightly}\nspec: {jobs: [{image: 'r.example.com/pg/backup:1'}]}\n",
	})
	b.options.Offers = nil
	var got []string
	for _, image := range b.run(t).Images {
		got = append(got, strings.TrimPrefix(image.Image, "r.example.com/pg/"))
		if image.Err != nil || image.Digest == "" {
			t.Errorf("%s = %q, %v, want it answered", image.Image, image.Digest, image.Err)
		}
	}
	slices.Sort(got)
	want := []string{"backup:1", "daemonset:1", "deployment:1", "init:1", "job:1", "pod:1", "related:1", "statefulset@sha256:" + strings.Repeat("c", 64)}
	if !slices.Equal(got, want) {
		t.Errorf("Run() asks for %q, want %q", got, want)
	}
}

// All kinds that run something are held to be ready, each by its own numbers; one whose kind the cluster has
// lost is gone, and hides none of the others.
func TestWorkloadsOfEveryKind(t *testing.T) {
	b := newBench(t)
	b.options.NoWorkloads, b.options.Offers = false, nil
	b.Put(t, defining("rollouts.example.com", "Deployment", "deployments"))
	b.upgrade(t, map[string]string{
		"a.yaml": running("rollouts.example.com/v1", "Deployment", "rolled", "r.example.com/pg/op:1"),
		"b.yaml": running("apps/v1", "DaemonSet", "agent", "r.example.com/pg/op:1"),
		"c.yaml": running("apps/v1", "StatefulSet", "store", "r.example.com/pg/op:1"),
		"d.yaml": running("apps/v1", "Deployment", "op", "r.example.com/pg/op:1"),
	})
	b.SetStatus("daemonsets.apps", "pg", "agent", map[string]any{"desiredNumberScheduled": int64(2), "numberAvailable": int64(1), "updatedNumberScheduled": int64(2)})
	b.SetStatus("statefulsets.apps", "pg", "store", map[string]any{"readyReplicas": int64(1), "updatedReplicas": int64(1)})
	b.SetStatus("deployments.apps", "pg", "op", map[string]any{"conditions": []any{map[string]any{"type": "ReplicaFailure", "status": "True", "message": "quota exceeded"}}})
	b.SetStatus("deployments.rollouts.example.com", "pg", "rolled", map[string]any{"availableReplicas": int64(1), "updatedReplicas": int64(1)})
	b.Put(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: op-1, namespace: pg, labels: {a: b}}\nspec: {containers: [{name: a, image: x}]}\n"+
		"status: {phase: Pending, containerStatuses: [{name: a, image: x, imageID: '', ready: false, restartCount: 0, state: {waiting: {reason: ErrImagePull, message: 'dial tcp: no route to host'}}}]}\n")
	find := func() map[string]string {
		found := map[string]string{}
		for _, workload := range b.run(t).Workloads {
			found[workload.Object] = fmt.Sprint(workload.Err)
		}
		return found
	}
	const pulling = "pod op-1: ErrImagePull: dial tcp: no route to host"
	want := map[string]string{"Deployment pg/rolled": "<nil>", "DaemonSet pg/agent": pulling, "StatefulSet pg/store": "<nil>", "Deployment pg/op": pulling}
	compare := func(got map[string]string) {
		t.Helper()
		for object, says := range want {
			if got[object] != says {
				t.Errorf("%s: %q, want %q", object, got[object], says)
			}
		}
		if len(got) != len(want) {
			t.Errorf("Run() looked at %v, want %d workloads", got, len(want))
		}
	}
	compare(find())
	b.Remove("customresourcedefinitions.apiextensions.k8s.io", "", "deployments.rollouts.example.com")
	b.options.Cluster.Refresh()
	want["Deployment pg/rolled"] = verify.ErrGone.Error()
	compare(find())
	b.Deny("get statefulsets.apps")
	if _, err := verify.Run(t.Context(), b.options); !errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "reading StatefulSet pg/store") {
		t.Errorf("Run() that may not read a workload = %v, want ErrDenied and which", err)
	}
}

// Databases of two kinds, and one whose kind is not there, are all counted where they are.
func TestNamespacesOfSeveralKinds(t *testing.T) {
	b := newBench(t)
	b.Put(t, defining("lab.example.com", "Pool", "pools"))
	b.Put(t, "apiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: d, namespace: demo}\n---\n"+
		"apiVersion: lab.example.com/v1\nkind: Pool\nmetadata: {name: p, namespace: demo}\n---\napiVersion: lab.example.com/v1\nkind: Pool\nmetadata: {name: p, namespace: alone}\n")
	b.options.Cluster.Refresh()
	b.options.Databases = append(b.options.Databases, schema.GroupKind{Group: "lab.example.com", Kind: "Pool"}, schema.GroupKind{Group: "none.example.com", Kind: "None"})
	check := b.run(t)
	wants(t, check, "namespace alone: it lacks the pull secret regsecret", "namespace demo: it lacks the pull secret regsecret")
	counts := map[string]int{}
	for _, namespace := range check.Namespaces {
		counts[namespace.Namespace] = namespace.Instances
	}
	if counts["alone"] != 1 || counts["demo"] != 2 || counts["pg"] != 0 || len(counts) != 3 {
		t.Errorf("Run() counts %v, want one in alone, two in demo, none in pg", counts)
	}
	if got, want := check.Summary(), "1 of 1 versions can be pulled, 1 of 3 namespaces have what they need"; got != want {
		t.Errorf("Summary() = %q, want %q", got, want)
	}
}

// A release that is half done is a problem, although all that it names is there.
func TestStatus(t *testing.T) {
	b := newBench(t)
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/deployments/op") {
			return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "etcd is down"}
		}
		return nil
	})
	packed, err := chart.Parse(charttest.Pack(t, map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: house\nversion: 1.0.1\n", "templates/op.yaml": strings.Replace(operator, "op:1", "op:2", 1), "templates/v.yaml": version,
	}))
	if err != nil {
		t.Fatal(err)
	}
	releases, err := helm.Open(t.Context(), b.options.Cluster, "pg", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := releases.Install(t.Context(), helm.Request{Name: "house", Chart: packed, Timeout: time.Second}); err == nil {
		t.Fatal("Install() of what the API server refuses = nil")
	}
	b.Refuse(nil)
	check := b.run(t)
	wants(t, check, "helm release house is in state failed")
	if !as[*verify.StatusError](check.Problems()[0]) || check.Revision != 2 || check.Chart != "house 1.0.1" {
		t.Errorf("Run() = revision %d of %s, %v, want the newest and its state", check.Revision, check.Chart, check.Problems())
	}
}

// sweeping tells which of the pods that pull are left.
func (b *bench) pullPods() (left []string) {
	for _, line := range b.All() {
		if fields := strings.Fields(line); fields[0] == "pods" {
			left = append(left, fields[1])
		}
	}
	return left
}

// Pods of runs that were killed are removed, and no other pods: neither those of a run beside this one, nor
// anybody else's.
func TestPullSweepsOldPods(t *testing.T) {
	b := newBench(t)
	b.options.Pull, b.options.Offers = true, nil
	const ours = "app.kubernetes.io/managed-by: pgrelocate, pgrelocate.dev/purpose: pull-check"
	pod := func(name, labels, created string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: pg, labels: {" + labels + "}, creationTimestamp: '" + created + "'}\n"
	}
	b.Put(t, pod("killed", ours, "2026-01-01T00:00:00Z")+"---\n"+pod("beside", ours, time.Now().UTC().Format(time.RFC3339))+"---\n"+pod("theirs", "a: b", "2026-01-01T00:00:00Z"))
	b.Deny("create pods")
	if _, err := verify.Run(t.Context(), b.options); !errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "creating a pod in namespace pg to pull r.example.com/pg/") {
		t.Errorf("Run(pull) = %v, want ErrDenied and for which image", err)
	}
	if left := b.pullPods(); !slices.Equal(left, []string{"pg/beside", "pg/theirs"}) {
		t.Errorf("Run(pull) left %q, want the other run's and the other's", left)
	}
	b.Put(t, pod("killed", ours, "2026-01-01T00:00:00Z"))
	b.Deny("delete pods")
	if _, err := verify.Run(t.Context(), b.options); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Run(pull) that may not remove old pods = %v, want ErrDenied", err)
	}
}

// A run that is interrupted removes the pods that it made, and a pod that somebody removes is a finding.
func TestPullInterrupted(t *testing.T) {
	b := newBench(t)
	b.options.Pull, b.options.Offers = true, nil
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	made := 0
	var mu sync.Mutex
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/pods/pgrelocate-pull-") {
			if made++; made == 2 { // two are there
				cancel(enough)
			}
		}
		return nil
	})
	if _, err := verify.Run(ctx, b.options); !errors.Is(err, enough) {
		t.Errorf("Run(pull) interrupted = %v, want the interrupt", err)
	}
	if left := b.pullPods(); len(left) > 0 {
		t.Errorf("Run(pull) interrupted left %q", left)
	}
	interrupted, stop := context.WithCancelCause(t.Context())
	b.Refuse(func(r *http.Request) *clustertest.Refusal { // one is being made
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pods") {
			stop(enough)
			time.Sleep(50 * time.Millisecond) // a removal that did not wait would be through
		}
		return nil
	})
	if _, err := verify.Run(interrupted, b.options); !errors.Is(err, enough) {
		t.Errorf("Run(pull) interrupted while a pod is made = %v, want the interrupt", err)
	}
	if left := b.pullPods(); len(left) > 0 {
		t.Errorf("Run(pull) interrupted while a pod is made left %q", left)
	}
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]; r.Method == http.MethodGet && strings.HasPrefix(name, "pgrelocate-pull-") {
			b.Remove("pods", "pg", name)
		}
		return nil
	})
	check := b.run(t)
	const says = " cannot be pulled: the node cannot pull it: somebody removed the pod that was to pull it"
	wants(t, check, "r.example.com/pg/hook:1"+says, "r.example.com/pg/instance:17"+says, "r.example.com/pg/op:1"+says)
	for _, image := range check.Images {
		if image.Node == nil || *image.Node {
			t.Errorf("%s counts as pulled by a node", image.Image)
		}
	}
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/pods/pgrelocate-pull-") {
			return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "etcd is down"}
		}
		return nil
	})
	if _, err := verify.Run(t.Context(), b.options); err == nil || !strings.Contains(err.Error(), "etcd is down") || len(b.pullPods()) > 0 {
		t.Errorf("Run(pull) of a server that fails = %v, left %q, want its word and no pods", err, b.pullPods())
	}
}

// One pod is enough for an image that several versions name, and what the node says counts for all of them.
func TestPullOncePerImage(t *testing.T) {
	b := newBench(t)
	b.options.Pull = true
	b.options.Offers = append(b.options.Offers, versions.Kind{Group: "lab.example.com", Kind: "Ver", Image: "spec.instanceImage"})
	b.private.errors["pg/instance"] = registry.ErrForbidden
	created := map[string]int{}
	var mu sync.Mutex
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pods") {
			created["pods"]++
		}
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/pods/pgrelocate-pull-") {
			b.kubelet()
		}
		return nil
	})
	check := b.run(t)
	if created["pods"] != 3 {
		t.Errorf("Run(pull) made %d pods, want one for each of 3 images", created["pods"])
	}
	for _, version := range check.Versions {
		if version.Node == nil || !*version.Node {
			t.Errorf("%s was not pulled by a node", version.Name)
		}
		if !as[*verify.UnreadableError](version.Err) {
			t.Errorf("%s: %v, want what the registry says of our own request kept", version.Name, version.Err)
		}
	}
}
