package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// The API server takes the example's objects, and its pod in a namespace that enforces the
// restricted Pod Security level. A pod that could be root is refused there: the level is enforced.
func TestExampleCronJobIsRestricted(t *testing.T) {
	s := need(t)
	file := filepath.Join("..", "..", "examples", "cronjob.yaml")
	if err := lab.Apply(t.Context(), s.admin, file, nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(string(text), "\n---\n")
	var job batchv1.CronJob
	if err := yaml.UnmarshalStrict([]byte(documents[len(documents)-1]), &job); err != nil {
		t.Fatal(err)
	}
	pods := s.client(t).CoreV1().Pods(job.Namespace)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "copy-"}, Spec: job.Spec.JobTemplate.Spec.Template.Spec}
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	if _, err := pods.Create(t.Context(), pod, dry); err != nil {
		t.Errorf("the pod is refused: %v", err)
	}
	pod.Spec.SecurityContext.RunAsNonRoot = nil
	if _, err := pods.Create(t.Context(), pod, dry); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "restricted") {
		t.Errorf("a pod that may be root: %v, want it refused by the restricted level", err)
	}
}
