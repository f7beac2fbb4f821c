package pullsecret

import (
	"context"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// List lists the namespaces and names of all pull secrets that pgrelocate has made.
func List(ctx context.Context, c *cluster.Cluster) ([]Result, error) {
	found, err := c.List(ctx, cluster.Secrets, "", metav1.ListOptions{LabelSelector: labels.SelectorFromSet(cluster.Labels(cluster.PurposePullSecret)).String()})
	if err != nil {
		return nil, err
	}
	var all []Result
	for i := range found {
		all = append(all, Result{
			Namespace: found[i].GetNamespace(), Name: found[i].GetName(),
			Owner: releaseOf(&found[i]), Shared: found[i].GetLabels()[sharedLabel] != "",
		})
	}
	return all, nil
}

// Rotate puts new credentials for host into every pull secret of ours that is for host,
// and leaves the others alone. It goes on after a failure; the errors are joined.
func Rotate(ctx context.Context, c *cluster.Cluster, host string, credentials Credentials) ([]Result, error) {
	all, err := List(ctx, c)
	if err != nil {
		return nil, err
	}
	var results []Result
	var failures []error
	for _, each := range all {
		// One that has gone meanwhile stays so: an uninstall may have removed it.
		if _, err := Stored(ctx, c, each.Namespace, each.Name, host); errors.Is(err, ErrNoEntry) || errors.Is(err, ErrNoSecret) {
			continue
		}
		result, err := Apply(ctx, c, Secret{Namespace: each.Namespace, Name: each.Name, Host: host, Credentials: credentials})
		if err != nil {
			failures = append(failures, err)
			continue
		}
		results = append(results, result)
	}
	return results, errors.Join(failures...)
}
