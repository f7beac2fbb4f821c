package helm

import (
	"context"
	"fmt"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmkube "helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Uninstall removes a release but for its CRDs, whose names it returns, and waits until
// everything is gone. It tells whether there was such a release.
func (r *Releases) Uninstall(ctx context.Context, name string, timeout time.Duration) (kept []string, removed bool, err error) {
	last, err := r.last(name)
	if err != nil || last == nil {
		return nil, false, err
	}
	if kept, err = keepDefinitions(last); err != nil {
		return nil, false, err
	}
	if len(kept) > 0 {
		if err := r.config.Releases.Update(last); err != nil {
			return kept, false, cluster.Explain(fmt.Errorf("protecting the CRDs in helm release %s: %w", last.Name, err))
		}
	}
	uninstall := action.NewUninstall(r.config)
	uninstall.Timeout, uninstall.Wait = timeout, true
	_, err = watched(ctx, func() (*helmrelease.Release, error) {
		response, err := uninstall.Run(name)
		if response == nil {
			return nil, err
		}
		return response.Release, err
	}, graceAfterCancel)
	return kept, err == nil, explain(err)
}

// keepDefinitions marks the CRDs in a release's manifest with helm's own annotation for
// what an uninstall has to keep, and names them.
func keepDefinitions(release *helmrelease.Release) ([]string, error) {
	manifest, err := chart.ParseManifest(release.Manifest)
	if err != nil {
		return nil, err
	}
	var kept []string
	for i := range manifest.Objects {
		object := &manifest.Objects[i]
		if !object.IsCRD() {
			continue
		}
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[helmkube.ResourcePolicyAnno] = helmkube.KeepPolicy
		object.SetAnnotations(annotations)
		text, err := yaml.Marshal(object.Object)
		if err != nil {
			return nil, err
		}
		object.Text = string(text)
		kept = append(kept, object.GetName())
	}
	release.Manifest = manifest.Manifest()
	return kept, nil
}
