package install

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const certManagerGroup = "cert-manager.io"

const certManagerHint = "install cert-manager first, for example: helm install cert-manager oci://quay.io/jetstack/charts/cert-manager --namespace cert-manager --create-namespace --set crds.enabled=true (its images may have to be relocated as well)"

// checkKinds finds kinds in the rendering that neither the cluster nor the chart's own
// CRDs define: a prerequisite is missing.
func (c *Cluster) checkKinds(p *Prepared) error {
	own := map[schema.GroupKind]bool{}
	for _, object := range p.Rendering.Objects {
		if object.IsCRD() {
			group, _, _ := unstructured.NestedString(object.Object, "spec", "group")
			kind, _, _ := unstructured.NestedString(object.Object, "spec", "names", "kind")
			own[schema.GroupKind{Group: group, Kind: kind}] = true
		}
	}
	var missing []string
	for _, object := range p.Rendering.Objects {
		kind := object.GroupVersionKind().GroupKind()
		if own[kind] || slices.Contains(missing, kind.String()) {
			continue
		}
		_, known, err := c.serves(kind)
		if err != nil {
			return err
		}
		if !known {
			missing = append(missing, kind.String())
		}
	}
	if len(missing) == 0 {
		return nil
	}
	hint := "install what defines them first"
	if slices.ContainsFunc(missing, func(kind string) bool { return strings.HasSuffix(kind, "."+certManagerGroup) }) {
		hint = certManagerHint
	}
	return withHint(fmt.Errorf("the cluster does not know %s, which the chart uses", strings.Join(missing, ", ")), hint)
}

// usesCertManager tells whether the product, or what its chart renders, needs cert-manager.
func (p *Prepared) usesCertManager() bool {
	if p.Traits.NeedsCertManager {
		return true
	}
	for _, object := range p.Rendering.Objects {
		if object.GroupVersionKind().Group == certManagerGroup {
			return true
		}
	}
	return false
}

// checkCertManager wants cert-manager's CRDs and a webhook that answers. The webhook is
// asked by creating an Issuer in dry-run, which passes it and leaves nothing behind. The
// notice says why that could not be asked.
func (c *Cluster) checkCertManager(ctx context.Context, namespace string) (notice string, err error) {
	mapping, known, err := c.serves(schema.GroupKind{Group: certManagerGroup, Kind: "Issuer"})
	if err != nil {
		return "", err
	}
	if !known {
		return "", withHint(fmt.Errorf("cert-manager is not installed, and the operator needs it"), certManagerHint)
	}
	issuer := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": mapping.GroupVersionKind.GroupVersion().String(), "kind": "Issuer",
		"metadata": map[string]any{"name": "pgrelocate-check"},
		"spec":     map[string]any{"selfSigned": map[string]any{}},
	}}
	bounded, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	_, err = c.of(mapping.Resource, namespace).Create(bounded, issuer, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: fieldManager})
	switch {
	case err == nil, apierrors.IsAlreadyExists(err):
		return "", nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case apierrors.IsForbidden(err):
		return "whether cert-manager's webhook answers could not be checked: creating an Issuer is not allowed", nil
	default:
		return "", withHint(fmt.Errorf("cert-manager's webhook does not answer: %w", err),
			"see whether its pods run: kubectl get pods -A -l app.kubernetes.io/name=webhook")
	}
}
