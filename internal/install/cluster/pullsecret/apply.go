package pullsecret

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// putBackTimeout bounds putting back a secret that was taken away in vain.
const putBackTimeout = 15 * time.Second

const dockerConfigType = "kubernetes.io/dockerconfigjson"

// Secret is a pull secret as it should be.
type Secret struct {
	Namespace, Name string
	// Host is the registry that it is for.
	Host        string
	Credentials Credentials
	// Vendors are hosts that nodes lead to Host: containerd looks its login up by their names. A
	// secret of ours keeps those that it has.
	Vendors []string
	// Owner is the release that has a use for it; nobody where it is zero.
	Owner cluster.Owner
	// Force takes over a secret of that name that is not ours.
	Force bool
}

// Change says what became of a pull secret. The words stand in results.
type Change string

// What can become of a pull secret.
const (
	Created   Change = "created"
	Updated   Change = "updated"
	Unchanged Change = "unchanged"
	// Foreign: a secret of that name is not ours and was left alone.
	Foreign Change = "not ours"
)

// Result is what became of a pull secret in one namespace.
type Result struct {
	Namespace string
	Name      string
	Change    Change
	// Owner is the release that it belongs to; Shared says that others have a use for it.
	Owner  cluster.Owner
	Shared bool
}

// Apply creates or updates a pull secret by server-side apply. One that is not ours is
// left alone unless forced: the result says so, and the error is cluster.ErrNotOurs.
func Apply(ctx context.Context, c *cluster.Cluster, secret Secret) (Result, error) {
	result := Result{Namespace: secret.Namespace, Name: secret.Name}
	before, err := c.Secret(ctx, secret.Namespace, secret.Name)
	if err != nil {
		return result, err
	}
	if before != nil && !cluster.Ours(before) && !secret.Force {
		result.Change = Foreign
		return result, fmt.Errorf("secret %s in namespace %s is %w; it was left alone", secret.Name, secret.Namespace, cluster.ErrNotOurs)
	}
	var removed *unstructured.Unstructured
	if before != nil && secret.takesThePlaceOf(before) {
		err := c.Resource(cluster.Secrets, secret.Namespace).Delete(ctx, secret.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return result, cluster.Explain(fmt.Errorf("replacing secret %s/%s: %w", secret.Namespace, secret.Name, err))
		}
		removed, before = before, nil
	}
	secret.Vendors = vendorsOf(before, secret.Vendors)
	after, err := applySecret(ctx, c, secret, secretLabels(before, secret.Owner))
	if err != nil {
		return result, errors.Join(err, putBack(ctx, c, removed))
	}
	switch {
	case before == nil:
		result.Change = Created
	case before.GetResourceVersion() == after.GetResourceVersion():
		result.Change = Unchanged
	default:
		result.Change = Updated
	}
	return result, nil
}

// takesThePlaceOf tells whether the one that is there has to go: the type of a secret cannot be changed, nor the
// content of one that is immutable.
func (s Secret) takesThePlaceOf(before *unstructured.Unstructured) bool {
	immutable, _, _ := unstructured.NestedBool(before.Object, "immutable")
	if secretType(before) != dockerConfigType || !immutable {
		return secretType(before) != dockerConfigType
	}
	login, err := credentialsIn(before, s.Host)
	return err != nil || login != s.Credentials
}

// putBack makes a secret again that had to go for ours, which did not come; nil is none. The end of the run
// does not keep it from that.
func putBack(ctx context.Context, c *cluster.Cluster, removed *unstructured.Unstructured) error {
	if removed == nil {
		return nil
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackTimeout)
	defer cancel()
	again := removed.DeepCopy()
	again.SetResourceVersion("")
	again.SetUID("")
	again.SetManagedFields(nil)
	_, err := c.Resource(cluster.Secrets, again.GetNamespace()).Create(bounded, again, metav1.CreateOptions{FieldManager: cluster.Manager})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return cluster.Explain(fmt.Errorf("putting back secret %s/%s: %w", again.GetNamespace(), again.GetName(), err))
	}
	return nil
}

// Manifest is the secret as it goes into a cluster, with its password and with no mark of ours.
func (s Secret) Manifest() (*unstructured.Unstructured, error) {
	content, err := encodeDockerConfig(s.Credentials, append([]string{s.Host}, s.Vendors...)...)
	if err != nil {
		return nil, err
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": dockerConfigType,
		"metadata": map[string]any{"name": s.Name, "namespace": s.Namespace},
		"data":     map[string]any{".dockerconfigjson": base64.StdEncoding.EncodeToString(content)},
	}}, nil
}

// vendorsOf are the vendors' hosts that a secret is to be for: those of the one that is there, if
// that is ours, and more.
func vendorsOf(before *unstructured.Unstructured, more []string) []string {
	all := slices.Clone(more)
	if before != nil && cluster.Ours(before) {
		for host := range strings.SplitSeq(before.GetAnnotations()[vendorsAnnotation], ",") {
			if host != "" {
				all = append(all, host)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func applySecret(ctx context.Context, c *cluster.Cluster, secret Secret, labels map[string]string) (*unstructured.Unstructured, error) {
	object, err := secret.Manifest()
	if err != nil {
		return nil, err
	}
	object.SetLabels(labels)
	if len(secret.Vendors) > 0 {
		object.SetAnnotations(map[string]string{vendorsAnnotation: strings.Join(secret.Vendors, ",")})
	}
	// Forced, since whoever edited our secret by hand would otherwise keep a rotated
	// password out; that it is ours was checked before.
	options := metav1.ApplyOptions{FieldManager: cluster.Manager, Force: true}
	applied, err := c.Resource(cluster.Secrets, secret.Namespace).Apply(ctx, secret.Name, object, options)
	if apierrors.IsNotFound(err) {
		return nil, &cluster.NoNamespaceError{Namespace: secret.Namespace}
	}
	if err != nil {
		return nil, cluster.Explain(fmt.Errorf("applying secret %s/%s: %w", secret.Namespace, secret.Name, err))
	}
	return applied, nil
}

func secretType(secret *unstructured.Unstructured) string {
	kind, _, _ := unstructured.NestedString(secret.Object, "type")
	return kind
}

// Remove removes a secret; one that is not there is removed already.
func Remove(ctx context.Context, c *cluster.Cluster, namespace, name string) error {
	err := c.Resource(cluster.Secrets, namespace).Delete(ctx, name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return cluster.Explain(fmt.Errorf("removing secret %s/%s: %w", namespace, name, err))
	}
	return nil
}
