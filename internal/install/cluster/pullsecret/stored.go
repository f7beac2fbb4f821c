package pullsecret

import (
	"context"
	"encoding/base64"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Stored reads the credentials for host out of a pull secret as it is stored
// in the cluster, whoever made it. Errors wrap ErrNoSecret where there is none.
func Stored(ctx context.Context, c *cluster.Cluster, namespace, secretName, host string) (Credentials, error) {
	secret, err := c.Secret(ctx, namespace, secretName)
	if err != nil {
		return Credentials{}, err
	}
	if secret == nil {
		return Credentials{}, fmt.Errorf("%w %s in namespace %s", ErrNoSecret, secretName, namespace)
	}
	encoded, _, _ := unstructured.NestedString(secret.Object, "data", ".dockerconfigjson")
	content, err := base64.StdEncoding.DecodeString(encoded)
	if err == nil {
		var credentials Credentials
		if credentials, err = decodeDockerConfig(content, host); err == nil {
			return credentials, nil
		}
	}
	return Credentials{}, fmt.Errorf("secret %s in namespace %s: %w", secretName, namespace, err)
}
