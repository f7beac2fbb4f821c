package pullsecret

import (
	"context"
	"encoding/base64"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Stored reads the credentials out of a pull secret as it is stored in the cluster, whoever made it, that a kubelet
// would find for HOST/REPOSITORY; of HOST alone, those for all of it go before others. Errors wrap ErrNoSecret where
// there is none.
func Stored(ctx context.Context, c *cluster.Cluster, namespace, secretName, at string) (Credentials, error) {
	secret, err := c.Secret(ctx, namespace, secretName)
	if err != nil {
		return Credentials{}, err
	}
	if secret == nil {
		return Credentials{}, fmt.Errorf("%w %s in namespace %s", ErrNoSecret, secretName, namespace)
	}
	credentials, err := credentialsIn(secret, at)
	if err != nil {
		return Credentials{}, fmt.Errorf("secret %s in namespace %s: %w", secretName, namespace, err)
	}
	return credentials, nil
}

// credentialsIn are those in a secret of either type for HOST or HOST/REPOSITORY.
func credentialsIn(secret *unstructured.Unstructured, at string) (Credentials, error) {
	decode := decodeDockerConfig
	encoded, _, _ := unstructured.NestedString(secret.Object, "data", ".dockerconfigjson")
	if legacy, _, _ := unstructured.NestedString(secret.Object, "data", ".dockercfg"); encoded == "" && legacy != "" {
		encoded, decode = legacy, decodeLegacy
	}
	content, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return Credentials{}, err
	}
	return decode(content, at)
}
