package helm

import (
	"strings"

	helmkube "helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
)

// whyHook says which hook did not end in time, and why: helm says no more than that it has waited.
func (k *kubeClient) whyHook(resources helmkube.ResourceList, err error) error {
	if err == nil || !strings.Contains(err.Error(), wait.ErrorInterrupted(nil).Error()) {
		return err
	}
	notReady := &readiness.NotReadyError{}
	for _, info := range resources {
		notReady.Pending = append(notReady.Pending, k.why(k.context(), info))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unready = notReady
	return notReady
}

// ofHooks gives an error of helm's its cause again, where that was a hook that did not end.
func (k *kubeClient) ofHooks(err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil || k.unready == nil {
		return err
	}
	return cluster.Wrap(k.unready, err)
}
