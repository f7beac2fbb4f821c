package helm

import (
	"errors"
	"fmt"
	"strconv"

	helmrelease "helm.sh/helm/v3/pkg/release"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// ElsewhereError says that helm keeps a release in ConfigMaps, as it does where HELM_DRIVER says so. Only
// what is kept in Secrets is read and written here.
type ElsewhereError struct{ Owner cluster.Owner }

// Error names the release.
func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("helm keeps release %s in ConfigMaps (HELM_DRIVER=configmap), and here only those in Secrets can be upgraded, verified or removed", e.Owner)
}

// elsewhere is an *ElsewhereError where a release that is not in Secrets is in ConfigMaps, and is there.
func (r *Releases) elsewhere(name string) error {
	selector := labels.Set{"owner": "helm", "name": name}.String()
	found, err := r.client.typed.CoreV1().ConfigMaps(r.namespace).List(r.client.context(), metav1.ListOptions{LabelSelector: selector})
	err = cluster.Explain(err)
	if errors.Is(err, cluster.ErrDenied) && !errors.Is(err, cluster.ErrUnauthenticated) {
		r.unseen = err
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for helm release %s in ConfigMaps: %w", name, err)
	}
	newest, status := 0, ""
	for _, record := range found.Items {
		if number, err := strconv.Atoi(record.Labels["version"]); err == nil && number > newest {
			newest, status = number, record.Labels["status"]
		}
	}
	if newest == 0 || status == helmrelease.StatusUninstalled.String() {
		return nil
	}
	return &ElsewhereError{Owner: cluster.Owner{Namespace: r.namespace, Release: name}}
}

// Unseen is why it could not be looked for the last release that was not found in ConfigMaps too, where
// that is not allowed; nil where it was.
func (r *Releases) Unseen() error { return r.unseen }

// Looked says where a release was looked for that is not there; unseen is as Unseen says.
func Looked(unseen error) string {
	if unseen == nil {
		return "neither in Secrets nor in ConfigMaps"
	}
	return fmt.Sprintf("not in Secrets, and ConfigMaps cannot be seen (%v)", unseen)
}
