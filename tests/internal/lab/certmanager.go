package lab

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// CertManager is as much of cert-manager as an API server sees of it: its CRDs and a
// webhook that has to allow every object.
type CertManager struct {
	*httptest.Server
	config *rest.Config
	// Down makes the webhook hang up; Asked counts the requests that it got.
	Down  atomic.Bool
	Asked atomic.Int32
}

const certManagerCRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]ss.cert-manager.io}
spec:
  group: cert-manager.io
  scope: %[3]s
  names: {plural: %[1]ss, singular: %[1]s, kind: %[2]s, listKind: %[2]sList}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
`

const certManagerWebhook = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: cert-manager-webhook}
webhooks:
  - name: webhook.cert-manager.io
    clientConfig: {url: %q, caBundle: %s}
    rules: [{apiGroups: [cert-manager.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: ["*/*"]}]
    sideEffects: None
    failurePolicy: Fail
    timeoutSeconds: 5
    admissionReviewVersions: [v1]
`

var (
	validating  = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
	mutating    = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingwebhookconfigurations"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

// StartCertManager installs it into a cluster.
func StartCertManager(ctx context.Context, config *rest.Config) (*CertManager, error) {
	m := &CertManager{config: config}
	m.Server = httptest.NewTLSServer(http.HandlerFunc(m.review))
	return m, m.Install(ctx)
}

// Install puts it into the cluster, again after Remove.
func (m *CertManager) Install(ctx context.Context) error {
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.Certificate().Raw})
	text := "apiVersion: v1\nkind: Namespace\nmetadata: {name: cert-manager}\n---\n" +
		fmt.Sprintf(certManagerCRD, "issuer", "Issuer", "Namespaced") +
		fmt.Sprintf(certManagerCRD, "clusterissuer", "ClusterIssuer", "Cluster") +
		fmt.Sprintf(certManagerCRD, "certificate", "Certificate", "Namespaced") +
		fmt.Sprintf(certManagerWebhook, m.URL, base64.StdEncoding.EncodeToString(authority))
	if err := ApplyText(ctx, m.config, []byte(text), nil); err != nil {
		return err
	}
	return m.waitServed(ctx)
}

// kinds are what cert-manager's CRDs define.
var kinds = []string{"issuers", "clusterissuers", "certificates"}

// waitServed waits until the API server knows the kinds.
func (m *CertManager) waitServed(ctx context.Context) error {
	return m.wait(ctx, func(_, list error) bool { return list == nil })
}

// Remove takes cert-manager away from the cluster, this one or a real one.
func (m *CertManager) Remove(ctx context.Context) error {
	client, err := dynamic.NewForConfig(m.config)
	if err != nil {
		return err
	}
	for _, resource := range []schema.GroupVersionResource{validating, mutating, definitions} {
		found, err := client.Resource(resource).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, object := range found.Items {
			if name := object.GetName(); name == "cert-manager-webhook" || strings.HasSuffix(name, ".cert-manager.io") {
				if err := client.Resource(resource).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
					return err
				}
			}
		}
	}
	// A CRD that is on its way out can be applied, and goes all the same.
	return m.wait(ctx, func(definition, list error) bool {
		return apierrors.IsNotFound(definition) && apierrors.IsNotFound(list)
	})
}

// Inject lets the webhook of a real cert-manager that nothing runs be this one, as cert-manager's
// own injector does with its certificate, once it is there.
func (m *CertManager) Inject(ctx context.Context) error {
	client, err := dynamic.NewForConfig(m.config)
	if err != nil {
		return err
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.Certificate().Raw})
	patch, err := json.Marshal([]map[string]any{{"op": "replace", "path": "/webhooks/0/clientConfig", "value": map[string]any{"url": m.URL, "caBundle": authority}}})
	if err != nil {
		return err
	}
	_, err = client.Resource(validating).Patch(ctx, "cert-manager-webhook", types.JSONPatchType, patch, metav1.PatchOptions{})
	return err
}

// wait waits until the errors of reading a kind's CRD and of listing its objects are as
// wanted, for each kind.
func (m *CertManager) wait(ctx context.Context, done func(definition, list error) bool) error {
	client, err := dynamic.NewForConfig(m.config)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		resource := schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: kind}
		for try := 0; ; try++ {
			_, definition := client.Resource(definitions).Get(ctx, kind+".cert-manager.io", metav1.GetOptions{})
			_, list := client.Resource(resource).List(ctx, metav1.ListOptions{})
			if done(definition, list) {
				break
			}
			if try == 100 {
				return errors.Join(fmt.Errorf("the API server does not settle on cert-manager's %s", kind), definition, list)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	return nil
}

func (m *CertManager) review(w http.ResponseWriter, r *http.Request) {
	m.Asked.Add(1)
	if m.Down.Load() {
		panic(http.ErrAbortHandler)
	}
	body, err := io.ReadAll(r.Body)
	var review admissionv1.AdmissionReview
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	_ = json.NewEncoder(w).Encode(review)
}
