package cluster

import (
	"context"
	"time"
)

// SecretWritten is when a secret's content was last written, as far as the cluster knows; zero where
// it does not, or there is no such secret.
func (c *Cluster) SecretWritten(ctx context.Context, namespace, name string) (time.Time, error) {
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
