package formats

import "path"

// Deployment is a chart in the private registry with the values that name what is there.
type Deployment struct {
	// Chart is the chart's artifact; its target counts.
	Chart Item
	// Name is the helm release's, Namespace where it goes.
	Name, Namespace string
	Values          map[string]any
	// PullSecret is the name of a secret with the login at the registry; empty is none.
	PullSecret string
}

// ArgoCD is an Application that deploys a chart into the cluster that Argo CD runs in.
func ArgoCD(d Deployment) ([]byte, error) {
	parent := d.Chart.Target.Parent().String()
	return document(manifest{
		APIVersion: "argoproj.io/v1alpha1", Kind: "Application", Metadata: &metadata{Name: d.Name, Namespace: "argocd"},
		Spec: map[string]any{
			"project": "default",
			"source": map[string]any{
				"repoURL": parent, "chart": path.Base(d.Chart.Target.Repository), "targetRevision": d.Chart.Target.Tag,
				"helm": map[string]any{"releaseName": d.Name, "valuesObject": d.Values},
			},
			"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": d.Namespace},
			"syncPolicy":  map[string]any{"syncOptions": []string{"CreateNamespace=true", "ServerSideApply=true"}},
		},
	}, "Argo CD needs a repository secret of type helm with enableOCI: \"true\" and the login for "+parent)
}

// Flux is an OCIRepository, which takes the chart by its digest where that is known, and the
// HelmRelease that deploys it.
func Flux(d Deployment) ([]byte, error) {
	at := map[string]any{"tag": d.Chart.Target.Tag}
	if d.Chart.Digest != "" {
		at = map[string]any{"digest": d.Chart.Digest}
	}
	from := map[string]any{
		"interval": "1h", "url": "oci://" + d.Chart.Target.Host + "/" + d.Chart.Target.Repository, "ref": at,
		"layerSelector": map[string]any{"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "operation": "copy"},
	}
	if d.PullSecret != "" {
		from["secretRef"] = map[string]any{"name": d.PullSecret}
	}
	where := &metadata{Name: d.Name, Namespace: d.Namespace}
	text, err := document(manifest{APIVersion: "source.toolkit.fluxcd.io/v1", Kind: "OCIRepository", Metadata: where, Spec: from})
	if err != nil {
		return nil, err
	}
	more, err := document(manifest{
		APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease", Metadata: where,
		Spec: map[string]any{
			"interval": "1h", "releaseName": d.Name,
			"chartRef": map[string]any{"kind": "OCIRepository", "name": d.Name},
			"install":  map[string]any{"crds": "Create"}, "upgrade": map[string]any{"crds": "CreateReplace"},
			"values": d.Values,
		},
	})
	return append(append(text, "---\n"...), more...), err
}
