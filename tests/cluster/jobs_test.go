package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// The API server takes what "pgrelocate job" prints, and its pods in a namespace that enforces the
// restricted Pod Security level; a pod of them that may be root is refused there.
func TestPrintedJobsAreRestricted(t *testing.T) {
	s := need(t)
	plan := filepath.Join(t.TempDir(), "plan.json")
	text := `{"schema":"pgrelocate.lock/v2","planned":true,"selection":{"product":"tanzu","releases":["v4.3.1"],"versions":"17","editions":[],"extras":[],"registry":"registry.example.com"},"artifacts":[],"blobs":[]}`
	if err := os.WriteFile(plan, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"cron":    {"job", "cron"},
		"mirror":  {"job", "mirror", "--plan=" + plan, "--workers=4"},
		"secrets": {"job", "secrets", "--watch-namespaces=databases=postgres", "--pull-credentials-secret=robot"},
	} {
		t.Run(name, func(t *testing.T) {
			namespace := "jobs-" + name
			args = append(args, "--registry=registry.example.com", "-n", namespace, "--create-namespace")
			cmd := (&site{apiServer: s}).bare(t, args...)
			printed, _ := ends(t, 0, cmd)
			if err := lab.ApplyText(t.Context(), s.admin, []byte(printed), nil); err != nil {
				t.Fatalf("%v\n%s", err, printed)
			}
			// Applied by the program itself, nothing changes.
			ends(t, 0, (&site{apiServer: s}).bare(t, append(args, "--apply", "--kubeconfig="+s.adminFile)...))
			pod := podOf(t, printed)
			pods, dry := s.client(t).CoreV1().Pods(namespace), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
			if _, err := pods.Create(t.Context(), pod, dry); err != nil {
				t.Errorf("the pod is refused: %v", err)
			}
			pod.Spec.SecurityContext.RunAsNonRoot = nil
			if _, err := pods.Create(t.Context(), pod, dry); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "restricted") {
				t.Errorf("a pod that may be root: %v, want it refused by the restricted level", err)
			}
		})
	}
}

// A job that is there cannot become another, and what is there of it stays as it is.
func TestApplyAnotherJob(t *testing.T) {
	s := need(t)
	plan := filepath.Join(t.TempDir(), "plan.json")
	text := `{"schema":"pgrelocate.lock/v2","planned":true,"selection":{"product":"tanzu","releases":["v4.3.1"],"versions":"17","editions":[],"extras":[],"registry":"registry.example.com"},"artifacts":[],"blobs":[]}`
	if err := os.WriteFile(plan, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"job", "mirror", "--plan=" + plan, "--name=first", "--registry=registry.example.com", "-n", "jobs-other", "--create-namespace", "--apply", "--kubeconfig=" + s.adminFile}
	ends(t, 0, (&site{apiServer: s}).bare(t, append(args, "--workers=2")...))
	_, messages := ends(t, 1, (&site{apiServer: s}).bare(t, append(args, "--workers=3", "--check")...))
	if !strings.Contains(messages, "applying Job first: it is there already, and not the same") || len(messages) > 1000 {
		t.Errorf("job mirror of another number of workers says:\n%s", messages)
	}
	settings, err := s.client(t).CoreV1().ConfigMaps("jobs-other").Get(t.Context(), "first", metav1.GetOptions{})
	if err != nil || strings.Contains(settings.Data["pgrelocate.yaml"], "check") {
		t.Errorf("the settings of the job that was there: %v, %v, want them as they were", settings.Data, err)
	}
}

// podOf is a pod as the last of printed objects would make it.
func podOf(t *testing.T, printed string) *corev1.Pod {
	t.Helper()
	documents := strings.Split(printed, "\n---\n")
	var object unstructured.Unstructured
	if err := yaml.Unmarshal([]byte(documents[len(documents)-1]), &object.Object); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "job-"}}
	var cron batchv1.CronJob
	var job batchv1.Job
	into := any(&cron)
	if object.GetKind() == "Job" {
		into = &job
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, into, true); err != nil {
		t.Fatal(err)
	}
	if pod.Spec = cron.Spec.JobTemplate.Spec.Template.Spec; object.GetKind() == "Job" {
		pod.Spec = job.Spec.Template.Spec
	}
	return pod
}

// The account that keeps pull secrets may do that: a run with its rights and no others gives a
// namespace its secret, and may neither list secrets nor read others.
func TestJobSecretsAccount(t *testing.T) {
	s := newSite(t)
	printed, _ := ends(t, 0, s.bare(t, "job", "secrets", "--registry="+s.Registry.Host, "-n", "keeper", "--create-namespace",
		"--watch-namespaces=kept=yes", "--pull-credentials-secret=robot"))
	if err := lab.ApplyText(t.Context(), s.admin, []byte(printed), nil); err != nil {
		t.Fatal(err)
	}
	namespaces := s.client(t).CoreV1().Namespaces()
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "kept-", Labels: map[string]string{"kept": "yes"}}}
	space, err := namespaces.Create(t.Context(), space, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, credentials := filepath.Join(t.TempDir(), "keeper"), filepath.Join(t.TempDir(), "credentials")
	if err := lab.WriteKubeconfig(t.Context(), s.admin, kubeconfig, "keeper", "pull-secrets"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(credentials, []byte(puller.Username+":"+puller.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		cmd := s.bare(t, "secret", "--registry="+s.Registry.Host, "--watch-namespaces=kept=yes", "--once",
			"--pull-credentials-file="+credentials, "--pull-secret=regsecret", "--kubeconfig="+kubeconfig)
		if s.Registry.CAFile != "" {
			cmd.Args = append(cmd.Args, "--ca-file="+s.Registry.CAFile)
		}
		ends(t, 0, cmd)
	}
	if _, err := s.client(t).CoreV1().Secrets(space.Name).Get(t.Context(), "regsecret", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	role, err := s.client(t).RbacV1().ClusterRoles().Get(t.Context(), "keeper-pull-secrets", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range role.Rules {
		wantNoMore(t, rule)
	}
}

// wantNoMore wants a rule to let nobody list secrets, nor read those of other names.
func wantNoMore(t *testing.T, rule rbacv1.PolicyRule) {
	t.Helper()
	for _, resource := range rule.Resources {
		for _, verb := range rule.Verbs {
			if resource == "secrets" && verb != "create" && len(rule.ResourceNames) == 0 || verb == "*" || verb == "delete" {
				t.Errorf("the account may %s %s of every name", verb, resource)
			}
		}
	}
}
