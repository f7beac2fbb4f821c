package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// certManagers is the namespace of cert-manager.
const certManagers = "cert-manager"

var (
	webhooks      = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
	withMirroring = "--with-prerequisites=cert-manager=" + lab.RealCertManager
)

// bareCluster is a site whose cluster has no cert-manager. The vendor's registry has cert-manager's own
// chart, and a release of the product.
type bareCluster struct {
	*site
	vendor *registrytest.Registry
}

func newBareCluster(t *testing.T) *bareCluster {
	t.Helper()
	need(t)
	b := &bareCluster{site: siteOf(t, lab.At(t, private(t, "", false))), vendor: registrytest.InProcess(t, registrytest.Options{})}
	lab.PublishCertManager(t, b.vendor, "")
	release, err := standin.New(standin.Options{Bytes: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release.Push(t.Context(), ref.Folder{Host: b.vendor.Host}); err != nil {
		t.Fatal(err)
	}
	if err := b.apiServer.certManager.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.restore(t) })
	return b
}

// restore gives the API server, which is every test's, its own cert-manager again.
func (b *bareCluster) restore(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	_ = b.bare(t, "uninstall", "--product", "cert-manager", "--force", "--kubeconfig", b.adminFile).Run() // it may never have come that far
	if err := errors.Join(b.apiServer.certManager.Remove(ctx), b.apiServer.certManager.Install(ctx)); err != nil {
		t.Error(err)
	}
}

func (b *bareCluster) copies(t *testing.T, args ...string) {
	t.Helper()
	ends(t, 0, b.bare(t, append([]string{"copy", "--source", b.vendor.Host, "--registry", b.Registry.Host}, args...)...))
}

// program is the program on the cluster as an administrator: examples/rbac.yaml does not know
// cert-manager's own roles.
func (b *bareCluster) program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if args[0] == "install" {
		args = append(args, "--registry", b.Registry.Host)
	}
	return b.bare(t, append(args, "--kubeconfig", b.adminFile)...)
}

// controllers play the part of controllers and nodes in a namespace until the function that they
// return is called: whatever Deployments and Jobs there are become ready and end well.
func (s *site) controllers(t *testing.T, namespace string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	client, done := s.client(t), make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := errors.Join(rollOutAll(ctx, client, namespace), endJobs(ctx, client, namespace)); err != nil && ctx.Err() == nil {
				t.Errorf("playing controllers: %v", err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() { cancel(); <-done }
}

// passing are errors of objects that others change at the same time.
func passing(err error) bool {
	return err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)
}

func rollOutAll(ctx context.Context, client kubernetes.Interface, namespace string) error {
	all, err := client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, d := range all.Items {
		if d.Status.ObservedGeneration == d.Generation {
			continue
		}
		yes := true
		owner := metav1.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: d.Name, UID: d.UID, Controller: &yes}
		set := &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", d.UID, d.Generation), Labels: d.Spec.Template.Labels, OwnerReferences: []metav1.OwnerReference{owner}},
			Spec:       appsv1.ReplicaSetSpec{Replicas: d.Spec.Replicas, Selector: d.Spec.Selector, Template: d.Spec.Template},
		}
		made, err := client.AppsV1().ReplicaSets(namespace).Create(ctx, set, metav1.CreateOptions{})
		if err == nil {
			made.Status = appsv1.ReplicaSetStatus{Replicas: 1, ReadyReplicas: 1, AvailableReplicas: 1, ObservedGeneration: made.Generation}
			_, err = client.AppsV1().ReplicaSets(namespace).UpdateStatus(ctx, made, metav1.UpdateOptions{})
		}
		if !passing(err) {
			return err
		}
		d.Status = appsv1.DeploymentStatus{
			ObservedGeneration: d.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
			Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue}, {Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"}},
		}
		if _, err := client.AppsV1().Deployments(namespace).UpdateStatus(ctx, &d, metav1.UpdateOptions{}); !passing(err) {
			return err
		}
	}
	return nil
}

func endJobs(ctx context.Context, client kubernetes.Interface, namespace string) error {
	all, err := client.BatchV1().Jobs(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, job := range all.Items {
		if job.Status.CompletionTime != nil || job.DeletionTimestamp != nil {
			continue
		}
		now := metav1.Now()
		job.Status = batchv1.JobStatus{StartTime: &now, CompletionTime: &now, Succeeded: 1, UncountedTerminatedPods: &batchv1.UncountedTerminatedPods{}, Conditions: []batchv1.JobCondition{
			{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue, LastTransitionTime: now},
			{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: now},
		}}
		if _, err := client.BatchV1().Jobs(namespace).UpdateStatus(ctx, &job, metav1.UpdateOptions{}); !passing(err) {
			return err
		}
	}
	return nil
}

// certManagerAsItIs is everything of cert-manager in the cluster, with its versions.
func (b *bareCluster) certManagerAsItIs(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	for _, resource := range []schema.GroupVersionResource{crds, webhooks, clusterroles, clusterrolebindings, secrets, deployments, namespaces} {
		list, err := b.dynamic.Resource(resource).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			if item.GetNamespace() == certManagers || item.GetNamespace() == "" && strings.Contains(item.GetName(), "cert-manager") {
				fmt.Fprintf(&text, "%s %s %s\n", resource.Resource, item.GetName(), state(&item))
			}
		}
	}
	return text.String()
}

// cert-manager's own chart is relocated and installed like any other: every image of it lies in
// the private registry, and while certificates exist nothing is uninstalled.
func TestRealCertManager(t *testing.T) {
	b := newBareCluster(t)
	b.copies(t, "--product", "cert-manager", "--release", lab.RealCertManager)
	stop := b.controllers(t, certManagers)
	defer stop()
	ends(t, 0, b.program(t, "install", "--product", "cert-manager", "--release", lab.RealCertManager, "--wait=false"))
	all, err := b.client(t).AppsV1().Deployments(certManagers).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var images []string
	for _, deployment := range all.Items {
		images = append(images, deployment.Spec.Template.Spec.Containers[0].Image)
	}
	slices.Sort(images)
	var want []string
	for _, image := range []string{"cainjector", "controller", "webhook"} {
		want = append(want, fmt.Sprintf("%s/cert-manager/cert-manager-%s:%s", b.Registry.Host, image, lab.RealCertManager))
	}
	if !slices.Equal(images, want) {
		t.Errorf("cert-manager runs from %v, want %v", images, want)
	}
	definition, err := b.dynamic.Resource(crds).Get(t.Context(), "certificates.cert-manager.io", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ours := slices.ContainsFunc(definition.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool { return f.Manager == "pgrelocate" })
	if !ours || definition.GetAnnotations()["helm.sh/resource-policy"] != "keep" {
		t.Errorf("the CRD of Certificates is managed by %v, annotated %v; want that pgrelocate made it, and that helm lets it be", definition.GetManagedFields(), definition.GetAnnotations())
	}
	if err := b.apiServer.certManager.Inject(t.Context()); err != nil {
		t.Fatal(err)
	}

	certificate := "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: site, namespace: default}\nspec: {secretName: site, issuerRef: {name: us}, dnsNames: [a.example.com]}\n"
	if err := lab.ApplyText(t.Context(), b.admin, []byte(certificate), nil); err != nil {
		t.Fatal(err)
	}
	_, messages := ends(t, 1, b.program(t, "uninstall", "--product", "cert-manager"))
	if !strings.Contains(messages, "default/site") {
		t.Errorf("uninstall says\n%s\nwant the certificate", messages)
	}
	ends(t, 0, b.program(t, "uninstall", "--product", "cert-manager", "--force"))
	if _, err := b.dynamic.Resource(certificates).Namespace("default").Get(t.Context(), "site", metav1.GetOptions{}); err != nil {
		t.Errorf("the certificate after uninstall --force: %v", err)
	}
	if left, err := b.client(t).AppsV1().Deployments(certManagers).List(t.Context(), metav1.ListOptions{}); err != nil || len(left.Items) > 0 {
		t.Errorf("uninstall --force left %d Deployments, %v", len(left.Items), err)
	}
}

// What the cluster lacks is installed from the private registry, and waited for until it answers.
// What is there is not touched, neither by another run nor by one that fails.
func TestInstallWithPrerequisites(t *testing.T) {
	b := newBareCluster(t)
	install := func(want int, args ...string) string {
		t.Helper()
		_, messages := ends(t, want, b.program(t, append([]string{"install", "--namespace", b.namespace}, args...)...))
		return messages
	}
	b.copies(t, "--versions", "17.5")

	before := b.certManagerAsItIs(t)
	for _, tt := range []struct {
		name string
		want int
		args []string
		says string
	}{
		{"it is absent and not wanted", 1, []string{"--wait=false"}, "cert-manager is not installed"},
		{"it was not relocated", 1, []string{"--wait=false", withMirroring}, "pgrelocate copy --with-prerequisites=cert-manager="},
		{"there is no such release", 2, []string{"--wait=false", "--with-prerequisites=cert-manager=v0.0.1"}, "v0.0.1 is not a known release of cert-manager"},
	} {
		messages := install(tt.want, tt.args...)
		if !strings.Contains(messages, tt.says) {
			t.Errorf("%s: install says\n%s\nwant %q", tt.name, messages, tt.says)
		}
		if after := b.certManagerAsItIs(t); after != before {
			t.Errorf("%s: install changed the cluster:\n%s\nwant\n%s", tt.name, after, before)
		}
	}

	b.copies(t, "--versions", "17.5", withMirroring)
	messages := install(0, "--dry-run", withMirroring)
	if !strings.Contains(messages, "installing cert-manager "+lab.RealCertManager) {
		t.Errorf("install --dry-run says\n%s\nwant the prerequisite", messages)
	}
	if after := b.certManagerAsItIs(t); after != before {
		t.Errorf("install --dry-run changed the cluster:\n%s\nwant\n%s", after, before)
	}

	manager := b.apiServer.certManager
	manager.Down.Store(true) // its pods are ready before its webhook is
	asked := manager.Asked.Load()
	stop := b.controllers(t, certManagers)
	answered := b.answersOnceAsked(t, asked)
	messages = install(0, "--wait=false", withMirroring)
	answered()
	if !strings.Contains(messages, "installing cert-manager "+lab.RealCertManager) {
		t.Errorf("install says\n%s\nwant the prerequisite", messages)
	}
	if got := b.offered(t); !slices.Equal(got, []string{"postgres-17.5", "postgres-17.5-lite"}) {
		t.Errorf("the cluster offers %v, want the product's two versions", got)
	}
	ends(t, 0, b.program(t, "verify", "--product", "cert-manager"))
	stop()

	before = b.certManagerAsItIs(t)
	messages = install(0, "--wait=false", withMirroring)
	if !strings.Contains(messages, "cert-manager is in the cluster already") {
		t.Errorf("install says\n%s\nwant that cert-manager is there", messages)
	}
	if after := b.certManagerAsItIs(t); after != before {
		t.Errorf("cert-manager is\n%s\nafter another install, want it as it was\n%s", after, before)
	}
}

// What one chart alone needs is asked for where that chart is installed: before the operator is,
// which does not need it and works without.
func TestPrerequisiteOfOneChart(t *testing.T) {
	b := newBareCluster(t)
	h := &herd{site: b.site}
	h.Elephants = lab.Elephants{
		Vendor: b.vendor, Group: b.namespace + ".example.com", Namespace: b.namespace, BackupRequires: "cert-manager",
	}
	h.Publish(t)
	h.file = h.Catalogue(t)
	t.Cleanup(func() { h.forget(t) })
	from := []string{"copy", "--release", "1.0.0", "--versions", "17.6", "--source", "jetstack=" + b.vendor.Host, withMirroring}

	before := b.certManagerAsItIs(t)
	_, messages := h.runs(t, 0, append(from, "--extras", "pooler,backup")...)
	if strings.Contains(messages, "not taken along") {
		t.Errorf("copy says\n%s\nwant that the prerequisite is taken along", messages)
	}
	_, messages = h.runs(t, 1, "install", "--release", "1.0.0", "--wait=false")
	if want := "cert-manager is not installed, and the chart backup needs it"; !strings.Contains(messages, want) || !strings.Contains(messages, "--with-prerequisites") {
		t.Errorf("install says\n%s\nwant %q, and what to do", messages, want)
	}
	if got := h.helmReleases(t); len(got) > 0 {
		t.Errorf("an install that lacks a prerequisite makes the helm releases %v, want none", got)
	}
	h.runs(t, 0, "install", "--release", "1.0.0", "--wait=false", "--only", "chart", withMirroring)
	h.runs(t, 0, "install", "--release", "1.0.0", "--dry-run", withMirroring)
	if after := b.certManagerAsItIs(t); after != before {
		t.Errorf("the operator alone brings cert-manager:\n%s\nwant\n%s", after, before)
	}

	stop := b.controllers(t, certManagers)
	defer stop()
	answered := b.answersOnceAsked(t, b.apiServer.certManager.Asked.Load())
	_, messages = h.runs(t, 0, "install", "--release", "1.0.0", "--wait=false", withMirroring)
	answered()
	if !strings.Contains(messages, "installing cert-manager "+lab.RealCertManager) {
		t.Errorf("install says\n%s\nwant the prerequisite", messages)
	}
	if got := h.helmReleases(t); !slices.Equal(got, []string{"elephants", "elephants-backup"}) {
		t.Errorf("install makes the helm releases %v, want both", got)
	}
}

// answersOnceAsked lets cert-manager's webhook, once it is there, answer when somebody has asked
// it in vain. The function that it returns is to be called when nobody asks any more.
func (b *bareCluster) answersOnceAsked(t *testing.T, before int32) (answered func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	manager, done := b.apiServer.certManager, make(chan struct{})
	go func() {
		defer close(done)
		defer manager.Down.Store(false)
		for injected := false; ctx.Err() == nil && manager.Asked.Load() == before; {
			if !injected {
				err := manager.Inject(ctx)
				if injected = err == nil; err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
					t.Errorf("injecting cert-manager's webhook: %v", err)
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() {
		cancel()
		<-done
		if manager.Asked.Load() == before {
			t.Error("nobody asked cert-manager's webhook")
		}
	}
}

// What fails and is taken back does not take a prerequisite with it.
func TestAtomicKeepsPrerequisites(t *testing.T) {
	b := newBareCluster(t)
	b.copies(t, "--versions", "17.5", withMirroring)
	stop := b.controllers(t, certManagers)
	defer stop()
	answered := b.answersOnceAsked(t, b.apiServer.certManager.Asked.Load())
	_, messages := ends(t, 1, b.program(t, "install", "--namespace", b.namespace, "--atomic", "--timeout", "15s", withMirroring))
	answered()
	if !strings.Contains(messages, "not ready") {
		t.Errorf("install says\n%s\nwant that the operator, for which no controller is there, is not ready", messages)
	}
	if left, err := b.client(t).AppsV1().Deployments(b.namespace).List(t.Context(), metav1.ListOptions{}); err != nil || len(left.Items) > 0 {
		t.Errorf("an atomic install that failed left %d Deployments, %v", len(left.Items), err)
	}
	ends(t, 0, b.program(t, "verify", "--product", "cert-manager"))
}
