package helm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	helmkube "helm.sh/helm/v3/pkg/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/kubernetes"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
)

// name makes helm call itself to the API server what we do, whatever the program's file is named.
var name = sync.OnceFunc(func() { helmkube.ManagedFieldsManager = cluster.Manager })

// kubeClient is helm's client for a cluster, with three changes. Helm's actions know no
// context: one that is cancelled goes on in the background while helm says that it has
// ended (helm.sh/helm/v3/pkg/action, Install.RunWithContext). Here the client itself
// refuses to go on, so that helm's action fails, records that it failed, and is over when
// it returns. Waiting gives an account of what is waited for. And the guard stands before
// everything that is deleted.
type kubeClient struct {
	*helmkube.Client
	guard   guard
	cluster *cluster.Cluster
	typed   kubernetes.Interface
	waiting func([]readiness.Pending)

	mu sync.Mutex
	// undeleted is why something could not be deleted; helm's own errors do not say.
	undeleted []error
	// unready is the hook that was waited for in vain; helm keeps no more than the text of that.
	unready *readiness.NotReadyError
	// ctx ends the run; once helm has been told it is replaced, so that helm can clean up.
	ctx context.Context
}

func newKubeClient(ctx context.Context, c *cluster.Cluster, namespace string, waiting func([]readiness.Pending)) (*kubeClient, error) {
	name()
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

// undo begins the taking back, which the end of the run does not stop any more.
func (k *kubeClient) undo() {
	k.mu.Lock()
	k.ctx = context.WithoutCancel(k.ctx)
	k.mu.Unlock()
	k.guard.undo()
}

func (k *kubeClient) context() context.Context {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ctx
}

// Create creates resources unless the run has ended. What lasts and a hook brings is not deleted
// before that, and is there already the second time. Helm would not get past it: it is brought up
// to date instead.
func (k *kubeClient) Create(resources helmkube.ResourceList) (*helmkube.Result, error) {
	if err := k.interrupted(); err != nil {
		return nil, err
	}
	there, missing := k.lastingThere(resources)
	if len(there) > 0 {
		if result, err := k.update(there, there); err != nil || len(missing) == 0 {
			return result, err
		}
	}
	result, err := k.Client.Create(missing)
	k.guard.made(missing)
	return result, err
}

// lastingThere tells what lasts and exists from everything else. But for CRDs, it has to be the
// release's own: what somebody else has made meanwhile is in the way.
func (k *kubeClient) lastingThere(resources helmkube.ResourceList) (there, rest helmkube.ResourceList) {
	for _, info := range resources {
		if kind := info.Mapping.GroupVersionKind.GroupKind(); cluster.Lasts(kind, k.guard.databases) {
			live, err := resource.NewHelper(info.Client, info.Mapping).Get(info.Namespace, info.Name)
			if err == nil && (kind == cluster.Definition || sameOwner(info.Object, live)) {
				there = append(there, info)
				continue
			}
		}
		rest = append(rest, info)
	}
	return there, rest
}

// sameOwner tells whether two objects carry the marks of one release.
func sameOwner(a, b runtime.Object) bool {
	owner := ownerIn(a)
	return owner == ownerIn(b) && owner != (cluster.Owner{})
}

// Update updates resources unless the run has ended. For custom resources helm compares
// the old manifest with the new one only, and would leave alone what somebody has edited
// by hand; the three-way merge puts it back, as helm does for everything else.
func (k *kubeClient) Update(original, target helmkube.ResourceList, _ bool) (*helmkube.Result, error) {
	if err := k.interrupted(); err != nil {
		return &helmkube.Result{}, err
	}
	return k.update(original, target)
}

// UpdateThreeWayMerge is the same; helm calls it where it takes objects over.
func (k *kubeClient) UpdateThreeWayMerge(original, target helmkube.ResourceList, force bool) (*helmkube.Result, error) {
	return k.Update(original, target, force)
}

// update lets helm update, and delete what the target has no longer, but for what lasts.
//
// What is there and was not in the original is compared with itself: helm would take the live
// object for the original, and remove from it everything that the target does not say, the
// version of the object itself included, which the API server refuses.
func (k *kubeClient) update(original, target helmkube.ResourceList) (*helmkube.Result, error) {
	base := append(original.Intersect(target), k.guard.deletable(original.Difference(target))...)
	base = append(base, target.Difference(original)...)
	result, err := k.Client.UpdateThreeWayMerge(base, target, false)
	if result != nil {
		k.guard.made(result.Created)
		k.guard.altered(result.Updated)
	}
	return result, err
}

// Delete deletes resources, but for what lasts.
func (k *kubeClient) Delete(resources helmkube.ResourceList) (*helmkube.Result, []error) {
	if resources = k.guard.deletable(resources); len(resources) == 0 {
		return &helmkube.Result{}, nil
	}
	return k.deleted(k.Client.Delete(resources))
}

// deleted keeps what a deletion came to for whyUndeleted.
func (k *kubeClient) deleted(result *helmkube.Result, errs []error) (*helmkube.Result, []error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.undeleted = append(k.undeleted, errs...)
	return result, errs
}

// whyUndeleted adds to an error of an uninstall what the API server said to what could not be deleted.
func (k *kubeClient) whyUndeleted(err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil || len(k.undeleted) == 0 {
		return err
	}
	return fmt.Errorf("%w: %w", err, errors.Join(k.undeleted...))
}

// DeleteWithPropagationPolicy is the same with a policy for what depends on the resources.
func (k *kubeClient) DeleteWithPropagationPolicy(resources helmkube.ResourceList, policy metav1.DeletionPropagation) (*helmkube.Result, []error) {
	if resources = k.guard.deletable(resources); len(resources) == 0 {
		return &helmkube.Result{}, nil
	}
	return k.deleted(k.Client.DeleteWithPropagationPolicy(resources, policy))
}

// WaitForDelete waits until resources are gone, but for those that stay.
func (k *kubeClient) WaitForDelete(resources helmkube.ResourceList, timeout time.Duration) error {
	return k.Client.WaitForDelete(k.guard.deletable(resources), timeout)
}

// WatchUntilReady waits for a hook.
func (k *kubeClient) WatchUntilReady(resources helmkube.ResourceList, timeout time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- k.Client.WatchUntilReady(resources, timeout) }()
	select {
	case err := <-done:
		return k.whyHook(resources, err)
	case <-k.context().Done():
		return k.interrupted()
	}
}
