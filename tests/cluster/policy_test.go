package cluster_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pgrelocate/pgrelocate/internal/formats"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

const (
	relocatedImage  = "r.example.com/pg/operator"
	relocatedDigest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	stranger        = "docker.io/library/nginx:1"
)

// The API server takes the admission policy, and then only what was relocated runs where it
// counts; what runs already may be changed otherwise.
func TestAdmissionPolicy(t *testing.T) {
	s := need(t)
	pods := s.client(t).CoreV1().Pods
	for _, namespace := range []string{"policed", "free"} {
		if err := lab.ApplyText(t.Context(), s.admin, []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: "+namespace+"}\n"), nil); err != nil {
			t.Fatal(err)
		}
	}
	create := func(namespace, name string, dry bool, change func(*corev1.PodSpec), images ...string) error {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}
		for _, image := range images {
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "c", Image: image})
		}
		if change != nil {
			change(&pod.Spec)
		}
		opts := metav1.CreateOptions{}
		if dry {
			opts.DryRun = []string{metav1.DryRunAll}
		}
		_, err := pods(namespace).Create(t.Context(), pod, opts)
		return err
	}
	if err := create("policed", "earlier", false, nil, stranger); err != nil {
		t.Fatal(err)
	}

	image := formats.Item{Digest: relocatedDigest, Artifact: versions.Artifact{
		Role:   versions.RoleOperator,
		Source: ref.Reference{Host: "vendor.example.com", Repository: "operator", Tag: "v1"},
		Target: ref.Reference{Host: "r.example.com", Repository: "pg/operator", Tag: "v1"},
	}}
	policy, err := formats.Policy([]formats.Item{image}, formats.PolicyOptions{Name: "pgrelocate-only-relocated", Namespaces: []string{"policed"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.ApplyText(t.Context(), s.admin, policy, nil); err != nil {
		t.Fatalf("the API server does not take the policy: %v\n%s", err, policy)
	}
	var refused error
	for begin := time.Now(); refused == nil && time.Since(begin) < 20*time.Second; time.Sleep(100 * time.Millisecond) {
		refused = create("policed", "stranger", true, nil, stranger)
	}
	if refused == nil || !strings.Contains(refused.Error(), "not among what was relocated: "+stranger) {
		t.Fatalf("a stranger's pod = %v, want it refused by name", refused)
	}

	for _, name := range []string{relocatedImage + ":v1", relocatedImage + "@" + relocatedDigest, relocatedImage + ":v1@" + relocatedDigest} {
		if err := create("policed", "ours", true, nil, name); err != nil {
			t.Errorf("a pod that runs %s = %v", name, err)
		}
	}
	if err := create("free", "stranger", true, nil, stranger); err != nil {
		t.Errorf("a stranger's pod where the policy does not count = %v", err)
	}
	begins := func(spec *corev1.PodSpec) {
		spec.InitContainers = []corev1.Container{{Name: "init", Image: stranger}}
	}
	if err := create("policed", "init", true, begins, relocatedImage+":v1"); err == nil {
		t.Error("a stranger's init container was let in")
	}
	mounts := func(image string) func(*corev1.PodSpec) {
		return func(spec *corev1.PodSpec) {
			spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: image}}}, {Name: "e", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		}
	}
	if err := create("policed", "mounts", true, mounts(stranger), relocatedImage+":v1"); err == nil || !strings.Contains(err.Error(), stranger) {
		t.Errorf("a stranger's image as a volume = %v, want it refused", err)
	}
	if err := create("policed", "mounts", true, mounts(relocatedImage+":v1"), relocatedImage+":v1"); err != nil {
		t.Errorf("a relocated image as a volume = %v", err)
	}
	if err := create("policed", "moved", true, nil, relocatedImage+":v2"); err == nil {
		t.Error("a tag that was not relocated was let in")
	}

	// What runs already may get a label, and no stranger's container more.
	if _, err := pods("policed").Patch(t.Context(), "earlier", types.MergePatchType, []byte(`{"metadata": {"labels": {"a": "b"}}}`), metav1.PatchOptions{}); err != nil {
		t.Errorf("labelling a pod that was there before = %v", err)
	}
	debug := `{"spec": {"ephemeralContainers": [{"name": "debug", "image": "docker.io/library/busybox:1"}]}}`
	if _, err := pods("policed").Patch(t.Context(), "earlier", types.StrategicMergePatchType, []byte(debug), metav1.PatchOptions{}, "ephemeralcontainers"); err == nil || !strings.Contains(err.Error(), "busybox") {
		t.Errorf("a stranger's ephemeral container = %v, want it refused", err)
	}
}
