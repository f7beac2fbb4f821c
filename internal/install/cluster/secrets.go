package cluster

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

const dockerConfigType = "kubernetes.io/dockerconfigjson"

// PullSecret is a pull secret as it should be.
type PullSecret struct {
	Namespace, Name string
	// Host is the registry that it is for.
	Host        string
	Credentials Credentials
	// Vendors are hosts that nodes lead to Host: containerd looks its login up by their names. A
	// secret of ours keeps those that it has.
	Vendors []string
	// Owner is the release that has a use for it; nobody where it is zero.
	Owner Owner
	// Force takes over a secret of that name that is not ours.
	Force bool
}

// SecretChange says what became of a pull secret. The words stand in results.
type SecretChange string

// What can become of a pull secret.
const (
	SecretCreated   SecretChange = "created"
	SecretUpdated   SecretChange = "updated"
	SecretUnchanged SecretChange = "unchanged"
	// SecretForeign: a secret of that name is not ours and was left alone.
	SecretForeign SecretChange = "not ours"
)

// SecretResult is what became of a pull secret in one namespace.
type SecretResult struct {
	Namespace string
	Name      string
	Change    SecretChange
	// Owner is the release that it belongs to; Shared says that others have a use for it.
	Owner  Owner
	Shared bool
}

// Apply creates or updates a pull secret by server-side apply. One that is not ours is
// left alone unless forced: the result says so, and the error is ErrNotOurs.
func (c *Cluster) Apply(ctx context.Context, secret PullSecret) (SecretResult, error) {
	result := SecretResult{Namespace: secret.Namespace, Name: secret.Name}
	before, err := c.Secret(ctx, secret.Namespace, secret.Name)
	if err != nil {
		return result, err
	}
	if before != nil && !ours(before) && !secret.Force {
		result.Change = SecretForeign
		return result, fmt.Errorf("secret %s in namespace %s is %w; it was left alone", secret.Name, secret.Namespace, ErrNotOurs)
	}
	if before != nil && secretType(before) != dockerConfigType {
		// The type of a secret cannot be changed.
		if err := c.Resource(secrets, secret.Namespace).Delete(ctx, secret.Name, metav1.DeleteOptions{}); err != nil {
			return result, Explain(fmt.Errorf("replacing secret %s/%s: %w", secret.Namespace, secret.Name, err))
		}
		before = nil
	}
	secret.Vendors = vendorsOf(before, secret.Vendors)
	after, err := c.applySecret(ctx, secret, secretLabels(before, secret.Owner))
	if err != nil {
		return result, err
	}
	switch {
	case before == nil:
		result.Change = SecretCreated
	case before.GetResourceVersion() == after.GetResourceVersion():
		result.Change = SecretUnchanged
	default:
		result.Change = SecretUpdated
	}
	return result, nil
}

// Manifest is the secret as it goes into a cluster, with its password and with no mark of ours.
func (s PullSecret) Manifest() (*unstructured.Unstructured, error) {
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
	if before != nil && ours(before) {
		for host := range strings.SplitSeq(before.GetAnnotations()[vendorsAnnotation], ",") {
			if host != "" {
				all = append(all, host)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c *Cluster) applySecret(ctx context.Context, secret PullSecret, labels map[string]string) (*unstructured.Unstructured, error) {
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
	options := metav1.ApplyOptions{FieldManager: Manager, Force: true}
	applied, err := c.Resource(secrets, secret.Namespace).Apply(ctx, secret.Name, object, options)
	if apierrors.IsNotFound(err) {
		return nil, &NoNamespaceError{Namespace: secret.Namespace}
	}
	if err != nil {
		return nil, Explain(fmt.Errorf("applying secret %s/%s: %w", secret.Namespace, secret.Name, err))
	}
	return applied, nil
}

// OurSecrets lists the namespaces and names of all pull secrets that pgrelocate has made.
func (c *Cluster) OurSecrets(ctx context.Context) ([]SecretResult, error) {
	found, err := c.List(ctx, secrets, "", metav1.ListOptions{LabelSelector: labels.SelectorFromSet(Labels(PurposePullSecret)).String()})
	if err != nil {
		return nil, err
	}
	var all []SecretResult
	for i := range found {
		all = append(all, SecretResult{
			Namespace: found[i].GetNamespace(), Name: found[i].GetName(),
			Owner: releaseOf(&found[i]), Shared: found[i].GetLabels()[sharedLabel] != "",
		})
	}
	return all, nil
}

// Rotate puts new credentials for host into every pull secret of ours that is for host,
// and leaves the others alone. It goes on after a failure; the errors are joined.
func (c *Cluster) Rotate(ctx context.Context, host string, credentials Credentials) ([]SecretResult, error) {
	all, err := c.OurSecrets(ctx)
	if err != nil {
		return nil, err
	}
	var results []SecretResult
	var failures []error
	for _, each := range all {
		if _, err := c.StoredCredentials(ctx, each.Namespace, each.Name, host); errors.Is(err, ErrNoEntry) {
			continue
		}
		result, err := c.Apply(ctx, PullSecret{Namespace: each.Namespace, Name: each.Name, Host: host, Credentials: credentials})
		if err != nil {
			failures = append(failures, err)
			continue
		}
		results = append(results, result)
	}
	return results, errors.Join(failures...)
}

// StoredCredentials reads the credentials for host out of a pull secret as it is stored
// in the cluster, whoever made it. Errors wrap ErrNoSecret where there is none.
func (c *Cluster) StoredCredentials(ctx context.Context, namespace, secretName, host string) (Credentials, error) {
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

// RemoveSecret removes a secret; one that is not there is removed already.
func (c *Cluster) RemoveSecret(ctx context.Context, namespace, name string) error {
	err := c.Resource(secrets, namespace).Delete(ctx, name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return Explain(fmt.Errorf("removing secret %s/%s: %w", namespace, name, err))
	}
	return nil
}

// Secret reads a secret; it is nil where there is none.
func (c *Cluster) Secret(ctx context.Context, namespace, secretName string) (*unstructured.Unstructured, error) {
	secret, err := c.Resource(secrets, namespace).Get(ctx, secretName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, Explain(fmt.Errorf("reading secret %s/%s: %w", namespace, secretName, err))
	}
	return secret, nil
}

func secretType(secret *unstructured.Unstructured) string {
	kind, _, _ := unstructured.NestedString(secret.Object, "type")
	return kind
}
