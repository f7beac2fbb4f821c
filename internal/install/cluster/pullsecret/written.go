package pullsecret

import (
	"context"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Written is when a secret's content was last written, as far as the cluster knows; zero where
// it does not, or there is no such secret.
func Written(ctx context.Context, c *cluster.Cluster, namespace, name string) (time.Time, error) {
	secret, err := c.Secret(ctx, namespace, name)
	if err != nil || secret == nil {
		return time.Time{}, err
	}
	written := secret.GetCreationTimestamp().Time
	for _, entry := range secret.GetManagedFields() {
		if entry.Time != nil && entry.Time.After(written) {
			written = entry.Time.Time
		}
	}
	return written, nil
}
