package helm

import (
	"context"
	"sync"
	"time"

	helmkube "helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/kubernetes"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// pollInterval is how often readiness is looked at.
const pollInterval = time.Second

// kubeClient is helm's client for a cluster, with two changes. Helm's actions know no
// context: one that is cancelled goes on in the background while helm says that it has
// ended (helm.sh/helm/v3/pkg/action, Install.RunWithContext). Here the client itself
// refuses to go on, so that helm's action fails, records that it failed, and is over when
// it returns. And waiting gives an account of what is waited for.
type kubeClient struct {
	*helmkube.Client
	cluster *cluster.Cluster
	typed   kubernetes.Interface
	waiting func([]cluster.Pending)

	mu sync.Mutex
	// ctx ends the run; once helm has been told it is replaced, so that helm can clean up.
	ctx context.Context
}

func newKubeClient(ctx context.Context, c *cluster.Cluster, namespace string, waiting func([]cluster.Pending)) (*kubeClient, error) {
	client := helmkube.New(c.Getter())
	client.Namespace = namespace
	typed, err := client.Factory.KubernetesClientSet()
	if err != nil {
		return nil, err
	}
	return &kubeClient{Client: client, cluster: c, typed: typed, waiting: waiting, ctx: ctx}, nil
}

// interrupted returns the run's end once. What helm does after that, roll back or record
// the failure, is done whatever the context says.
func (k *kubeClient) interrupted() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ctx.Err() == nil {
		return nil
	}
	err := context.Cause(k.ctx)
	k.ctx = context.WithoutCancel(k.ctx)
	return err
}

func (k *kubeClient) context() context.Context {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ctx
}

// Create creates resources unless the run has ended.
func (k *kubeClient) Create(resources helmkube.ResourceList) (*helmkube.Result, error) {
	if err := k.interrupted(); err != nil {
		return nil, err
	}
	return k.Client.Create(resources)
}

// Update updates resources unless the run has ended. For custom resources helm compares
// the old manifest with the new one only, and would leave alone what somebody has edited
// by hand; the three-way merge puts it back, as helm does for everything else.
func (k *kubeClient) Update(original, target helmkube.ResourceList, force bool) (*helmkube.Result, error) {
	if err := k.interrupted(); err != nil {
		return &helmkube.Result{}, err
	}
	return k.Client.UpdateThreeWayMerge(original, target, force)
}

// WatchUntilReady waits for a hook.
func (k *kubeClient) WatchUntilReady(resources helmkube.ResourceList, timeout time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- k.Client.WatchUntilReady(resources, timeout) }()
	select {
	case err := <-done:
		return err
	case <-k.context().Done():
		return k.interrupted()
	}
}

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
	var pending []cluster.Pending
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
			return &cluster.NotReadyError{Pending: pending}
		}
	}
}

// notReady says of each resource that is not ready why. An API server that does not
// answer for a moment is such a reason too, and no failure.
func (k *kubeClient) notReady(ctx context.Context, checker *helmkube.ReadyChecker, resources helmkube.ResourceList) []cluster.Pending {
	var pending []cluster.Pending
	for _, info := range resources {
		ready, err := checker.IsReady(ctx, info)
		switch {
		case err != nil:
			pending = append(pending, cluster.Pending{Object: infoTitle(info), Reason: err.Error()})
		case !ready:
			pending = append(pending, k.why(ctx, info))
		}
	}
	return pending
}

func (k *kubeClient) why(ctx context.Context, info *resource.Info) cluster.Pending {
	// The object as it is now, since its status says what holds it up.
	if err := info.Get(); err == nil {
		if fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(info.Object); err == nil {
			return k.cluster.WhyNotReady(ctx, &unstructured.Unstructured{Object: fields})
		}
	}
	return cluster.Pending{Object: infoTitle(info), Reason: "it has not become ready yet"}
}

func infoTitle(info *resource.Info) string {
	kind := info.Mapping.GroupVersionKind.Kind
	if info.Namespace == "" {
		return kind + " " + info.Name
	}
	return kind + " " + info.Namespace + "/" + info.Name
}
