package install

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

const (
	// pullTimeout bounds the pulling of one image by a node.
	pullTimeout = 10 * time.Minute
	// pullPatience is how long a failing pull is watched before it counts as failed: nodes
	// try again after ten seconds, and the first answer may be a registry's hiccup.
	pullPatience = 12 * time.Second
	// pullsAtOnce bounds the load on nodes and registry.
	pullsAtOnce = 4
	// cleanupTimeout bounds the removal of the pods, which happens whatever else does.
	cleanupTimeout = 30 * time.Second
)

// pullOnNodes starts a pod for each image, and believes the kubelet alone.
func (v *verification) pullOnNodes(ctx context.Context) error {
	if !v.Pull {
		return nil
	}
	byName := map[string][]*ImageCheck{}
	add := func(check *ImageCheck) { byName[check.Image] = append(byName[check.Image], check) }
	for i := range v.check.Images {
		add(&v.check.Images[i])
	}
	for i := range v.check.Versions {
		add(&v.check.Versions[i].ImageCheck)
	}
	puller := &puller{cluster: v.Cluster, namespace: v.Namespace, secret: v.PullSecret, run: strings.ToLower(rand.Text()[:8])}
	if err := puller.sweep(ctx); err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(pullsAtOnce)
	for n, name := range sortedKeys(byName) {
		group.Go(func() error {
			reason, hint, err := puller.pull(groupCtx, fmt.Sprintf("pgrelocate-pull-%s-%d", puller.run, n), name)
			if err != nil {
				return err
			}
			pulled := reason == ""
			for _, check := range byName[name] {
				check.Node = &pulled
				if !pulled {
					check.Pulls, check.Reason, check.Hint = false, "the node cannot pull it: "+reason, hint
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// puller runs one pod an image. All of a run's pods carry its name, so that none is
// forgotten.
type puller struct {
	cluster                *Cluster
	namespace, secret, run string
}

// pull lets a node pull an image; the reason says why it could not.
func (p *puller) pull(ctx context.Context, name, image string) (reason, hint string, err error) {
	pod, err := runtime.DefaultUnstructuredConverter.ToUnstructured(p.pod(name, image))
	if err != nil {
		return "", "", err
	}
	// The pod may exist even where the answer to its creation never came.
	defer p.remove(ctx, name)
	_, err = p.cluster.of(pods, p.namespace).Create(ctx, &unstructured.Unstructured{Object: pod}, metav1.CreateOptions{FieldManager: fieldManager})
	if err != nil {
		return "", "", explain(fmt.Errorf("creating a pod in namespace %s to pull %s: %w", p.namespace, image, err))
	}
	bounded, cancel := context.WithTimeoutCause(ctx, pullTimeout, fmt.Errorf("not pulled within %s", pullTimeout))
	defer cancel()
	return p.await(bounded, ctx, name)
}

// await looks at the pod until its image has been pulled or has failed for long enough.
func (p *puller) await(bounded, ctx context.Context, name string) (reason, hint string, err error) {
	var failing time.Time
	var last, lastHint string
	for {
		object, err := p.cluster.of(pods, p.namespace).Get(bounded, name, metav1.GetOptions{})
		var pod corev1.Pod
		if err == nil {
			err = runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &pod)
		}
		switch {
		case apierrors.IsNotFound(err):
			return "somebody removed the pod that was to pull it", "", nil
		case err != nil && bounded.Err() == nil:
			return "", "", explain(fmt.Errorf("reading pod %s/%s: %w", p.namespace, name, err))
		case err == nil && pulled(&pod):
			return "", "", nil
		case err == nil:
			if reason, hint := p.cluster.podProblem(bounded, &pod); reason != "" {
				last, lastHint = reason, hint
				if pullFailed(&pod) && failing.IsZero() {
					failing = time.Now()
				}
			}
		}
		if !failing.IsZero() && time.Since(failing) > pullPatience {
			return last, lastHint, nil
		}
		select {
		case <-time.After(pollInterval):
		case <-bounded.Done():
			if ctx.Err() != nil {
				return "", "", context.Cause(ctx)
			}
			if last == "" {
				last = context.Cause(bounded).Error()
			}
			return last, lastHint, nil
		}
	}
}

// pulled tells whether the kubelet has the image. What the container does then, and the
// command that it is given cannot even start, is of no interest.
func pulled(pod *corev1.Pod) bool {
	for _, status := range pod.Status.ContainerStatuses {
		switch {
		case status.ImageID != "", status.State.Running != nil, status.State.Terminated != nil:
			return true
		case status.State.Waiting != nil:
			switch status.State.Waiting.Reason {
			case "CreateContainerError", "CreateContainerConfigError", "RunContainerError", "CrashLoopBackOff":
				return true
			}
		}
	}
	return false
}

func pullFailed(pod *corev1.Pod) bool {
	for _, status := range pod.Status.ContainerStatuses {
		if status.State.Waiting != nil && isPullProblem(status.State.Waiting.Reason) {
			return true
		}
	}
	return false
}

// pod is allowed by the strictest pod security standard, runs nothing, and ends by itself
// even if nobody is left to remove it.
func (p *puller) pod(name, image string) *corev1.Pod {
	no, yes, nobody, zero, deadline := false, true, int64(65534), int64(0), int64(2*pullTimeout/time.Second)
	labels := ourLabels(purposePullCheck)
	labels["pgrelocate.dev/run"] = p.run
	return &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: p.namespace, Labels: labels},
		Spec: corev1.PodSpec{
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         &deadline,
			TerminationGracePeriodSeconds: &zero,
			AutomountServiceAccountToken:  &no,
			EnableServiceLinks:            &no,
			ImagePullSecrets:              []corev1.LocalObjectReference{{Name: p.secret}},
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: &yes, RunAsUser: &nobody, RunAsGroup: &nobody,
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "pull", Image: image,
				// Always, so that the node asks the registry even where it has the image.
				ImagePullPolicy: corev1.PullAlways,
				Command:         []string{"/pgrelocate-only-pulls-this-image"},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
}

// remove removes a pod even where the run has been interrupted. What it cannot remove
// now, the next run's sweep will.
func (p *puller) remove(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	_ = p.cluster.of(pods, p.namespace).Delete(ctx, name, metav1.DeleteOptions{})
}

// sweep removes the pods of runs that were killed: those older than any run can be.
func (p *puller) sweep(ctx context.Context) error {
	found, err := p.cluster.list(ctx, pods, p.namespace, metav1.ListOptions{
		LabelSelector: labels.SelectorFromSet(ourLabels(purposePullCheck)).String(),
	})
	if err != nil {
		return err
	}
	var failures []error
	for i := range found {
		if time.Since(found[i].GetCreationTimestamp().Time) > 2*pullTimeout {
			err := p.cluster.of(pods, p.namespace).Delete(ctx, found[i].GetName(), metav1.DeleteOptions{})
			if !apierrors.IsNotFound(err) {
				failures = append(failures, explain(err))
			}
		}
	}
	return errors.Join(failures...)
}
