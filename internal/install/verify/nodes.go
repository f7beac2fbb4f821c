package verify

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

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
)

const (
	// pullTimeout bounds the pulling of one image by a node.
	pullTimeout = 10 * time.Minute
	// pullPatience is how long a failing pull is watched before it counts as failed: nodes
	// try again after ten seconds, and the first answer may be a registry's hiccup.
	pullPatience = 12 * time.Second
	// pullsAtOnce bounds the load on nodes and registry.
	pullsAtOnce = 4
	// pollInterval is how often a pod is looked at.
	pollInterval = time.Second
	// cleanupTimeout bounds the removal of the pods, which happens whatever else does.
	cleanupTimeout = 30 * time.Second
)

// pullOnNodes starts a pod for each image, and believes the kubelet alone.
func (v *verification) pullOnNodes(ctx context.Context) error {
	if !v.Pull {
		return nil
	}
	byName := map[string][]*ImageCheck{}
	for _, check := range v.check.asked() {
		byName[check.Image] = append(byName[check.Image], check)
	}
	pods := &pullPods{cluster: v.Cluster, namespace: v.Namespace, secret: v.PullSecret, run: strings.ToLower(rand.Text()[:8])}
	if err := pods.sweep(ctx); err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(pullsAtOnce)
	for n, name := range sortedKeys(byName) {
		group.Go(func() error {
			stuck, err := pods.pull(groupCtx, fmt.Sprintf("%s-pull-%s-%d", cluster.Manager, pods.run, n), name)
			if err != nil {
				return err
			}
			pulled := stuck == nil
			for _, check := range byName[name] {
				check.Node = &pulled
				if !pulled {
					check.Err = stuck
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// pullPods run one pod an image. All of a run's pods carry its name, so that none is
// forgotten.
type pullPods struct {
	cluster                *cluster.Cluster
	namespace, secret, run string
}

// pull lets a node pull an image, and returns why it could not.
func (p *pullPods) pull(ctx context.Context, name, image string) (*StuckError, error) {
	pod, err := runtime.DefaultUnstructuredConverter.ToUnstructured(p.pod(name, image))
	if err != nil {
		return nil, err
	}
	// The pod may exist even where the answer to its creation never came.
	defer p.remove(ctx, name)
	_, err = p.cluster.Resource(cluster.Pods, p.namespace).Create(ctx, &unstructured.Unstructured{Object: pod}, metav1.CreateOptions{FieldManager: cluster.Manager})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, cluster.Explain(fmt.Errorf("creating a pod in namespace %s to pull %s: %w", p.namespace, image, err))
	}
	bounded, cancel := context.WithTimeoutCause(ctx, pullTimeout, fmt.Errorf("not pulled within %s", pullTimeout))
	defer cancel()
	return p.await(bounded, ctx, name)
}

// await looks at the pod until its image has been pulled or has failed for long enough.
func (p *pullPods) await(bounded, ctx context.Context, name string) (*StuckError, error) {
	var failing time.Time
	last := &StuckError{Pull: true}
	for {
		object, err := p.cluster.Resource(cluster.Pods, p.namespace).Get(bounded, name, metav1.GetOptions{})
		var pod corev1.Pod
		if err == nil {
			err = runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &pod)
		}
		switch {
		case apierrors.IsNotFound(err):
			return &StuckError{Reason: "somebody removed the pod that was to pull it", Pull: true}, nil
		case err != nil && bounded.Err() == nil:
			return nil, cluster.Explain(fmt.Errorf("reading pod %s/%s: %w", p.namespace, name, err))
		case err == nil && readiness.Pulled(&pod):
			return nil, nil
		case err == nil:
			if reason, trouble := readiness.PodProblem(bounded, p.cluster, &pod); reason != "" {
				last.Reason, last.Trouble = reason, trouble
				if readiness.PullFailed(&pod) && failing.IsZero() {
					failing = time.Now()
				}
			}
		}
		if !failing.IsZero() && time.Since(failing) > pullPatience {
			return last, nil
		}
		select {
		case <-time.After(pollInterval):
		case <-bounded.Done():
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if last.Reason == "" {
				last.Reason = context.Cause(bounded).Error()
			}
			return last, nil
		}
	}
}

// pod is allowed by the strictest pod security standard, runs nothing, and ends by itself
// even if nobody is left to remove it.
func (p *pullPods) pod(name, image string) *corev1.Pod {
	no, yes, nobody, zero, deadline := false, true, int64(65534), int64(0), int64(2*pullTimeout/time.Second)
	labels := cluster.Labels(cluster.PurposePullCheck)
	labels[cluster.Manager+".dev/run"] = p.run
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
				Command:         []string{"/" + cluster.Manager + "-only-pulls-this-image"},
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
func (p *pullPods) remove(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	_ = p.cluster.Resource(cluster.Pods, p.namespace).Delete(ctx, name, metav1.DeleteOptions{})
}

// sweep removes the pods of runs that were killed: those older than any run can be.
func (p *pullPods) sweep(ctx context.Context) error {
	found, err := p.cluster.List(ctx, cluster.Pods, p.namespace, metav1.ListOptions{
		LabelSelector: labels.SelectorFromSet(cluster.Labels(cluster.PurposePullCheck)).String(),
	})
	if err != nil {
		return err
	}
	var failures []error
	for i := range found {
		if time.Since(found[i].GetCreationTimestamp().Time) > 2*pullTimeout {
			err := p.cluster.Resource(cluster.Pods, p.namespace).Delete(ctx, found[i].GetName(), metav1.DeleteOptions{})
			if !apierrors.IsNotFound(err) {
				failures = append(failures, cluster.Explain(err))
			}
		}
	}
	return errors.Join(failures...)
}
