package helm

import (
	"context"
	"time"

	helmkube "helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
)

// pollInterval is how often readiness is looked at.
const pollInterval = time.Second

// Wait waits until resources are ready.
func (k *kubeClient) Wait(resources helmkube.ResourceList, timeout time.Duration) error {
	return k.wait(resources, timeout, helmkube.PausedAsReady(true))
}

// WaitWithJobs waits for jobs too.
func (k *kubeClient) WaitWithJobs(resources helmkube.ResourceList, timeout time.Duration) error {
	return k.wait(resources, timeout, helmkube.PausedAsReady(true), helmkube.CheckJobs(true))
}

func (k *kubeClient) wait(resources helmkube.ResourceList, timeout time.Duration, options ...helmkube.ReadyCheckerOption) error {
	ctx, cancel := context.WithTimeout(k.context(), timeout)
	defer cancel()
	checker := helmkube.NewReadyChecker(k.typed, k.Client.Log, options...)
	var pending []readiness.Pending
	for {
		if found := k.notReady(ctx, &checker, resources); ctx.Err() == nil {
			pending = found
			k.waiting(pending)
		}
		if len(pending) == 0 && ctx.Err() == nil {
			return nil
		}
		select {
		case <-time.After(pollInterval):
		case <-ctx.Done():
			if err := k.interrupted(); err != nil {
				return err
			}
			if pending == nil { // the first look took all the time
				pending = unseen(resources)
			}
			return &readiness.NotReadyError{Pending: pending}
		}
	}
}

// notReady says of each resource that is not ready why. An API server that does not
// answer for a moment is such a reason too, and no failure.
func (k *kubeClient) notReady(ctx context.Context, checker *helmkube.ReadyChecker, resources helmkube.ResourceList) []readiness.Pending {
	var pending []readiness.Pending
	for _, info := range resources {
		ready, err := checker.IsReady(ctx, info)
		switch {
		case err != nil:
			pending = append(pending, readiness.Pending{Object: infoTitle(info), Reason: err.Error()})
		case !ready:
			pending = append(pending, k.why(ctx, info))
		}
	}
	return pending
}

// unseen says that nothing is known of resources.
func unseen(resources helmkube.ResourceList) []readiness.Pending {
	var pending []readiness.Pending
	for _, info := range resources {
		pending = append(pending, readiness.Pending{Object: infoTitle(info), Reason: "the cluster has not said in time whether it is ready"})
	}
	return pending
}

func (k *kubeClient) why(ctx context.Context, info *resource.Info) readiness.Pending {
	// The object as it is now, since its status says what holds it up.
	if err := info.Get(); err == nil {
		if fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(info.Object); err == nil {
			return readiness.WhyNotReady(ctx, k.cluster, &unstructured.Unstructured{Object: fields})
		}
	}
	return readiness.Pending{Object: infoTitle(info), Reason: "it has not become ready yet"}
}

func infoTitle(info *resource.Info) string {
	kind := info.Mapping.GroupVersionKind.Kind
	if info.Namespace == "" {
		return kind + " " + info.Name
	}
	return kind + " " + info.Namespace + "/" + info.Name
}
