package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmkube "helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// UninstallOptions steer Uninstall. All but Force and Timeout are needed.
type UninstallOptions struct {
	Cluster                *Cluster
	Product                *versions.Product
	HelmRelease, Namespace string
	// PullSecret is the name of the pull secrets to remove.
	PullSecret string
	// Force uninstalls although databases exist. They go on running, and nobody looks
	// after them any more.
	Force bool
	// Timeout bounds the waiting; 0 means 5 minutes.
	Timeout time.Duration
}

// Removal is what an uninstall did.
type Removal struct {
	HelmRelease string
	Namespace   string
	// Removed says that the release was there.
	Removed bool
	// Secrets are the pull secrets that were removed, KeptSecrets those that databases need.
	Secrets     []string
	KeptSecrets []string
	// KeptDefinitions are the CRDs of the release, and Instances the databases; both stay.
	KeptDefinitions []string
	Instances       []Instance
}

// Uninstall removes the helm release and our pull secrets. CRDs stay, since every database
// would go with them, and so do namespaces. It refuses with ErrInUse where databases exist
// unless forced, and is done already, without an error, where nothing is left to remove.
func Uninstall(ctx context.Context, opts UninstallOptions) (*Removal, error) {
	if opts.Timeout <= 0 {
		opts.Timeout = 5 * time.Minute
	}
	removal := &Removal{HelmRelease: opts.HelmRelease, Namespace: opts.Namespace}
	var err error
	if removal.Instances, err = opts.Cluster.Instances(ctx, TraitsOf(opts.Product)); err != nil {
		return nil, err
	}
	if len(removal.Instances) > 0 && !opts.Force {
		return nil, inUse(removal.Instances)
	}
	if err := removal.release(ctx, opts); err != nil {
		return removal, err
	}
	return removal, removal.secrets(ctx, opts)
}

func inUse(instances []Instance) error {
	names := make([]string, len(instances))
	for i, instance := range instances {
		names[i] = instance.String()
	}
	return &Error{
		Err:     fmt.Errorf("%d %w; nothing was removed", len(instances), ErrInUse),
		Details: names,
		Advice:  "remove them first, or use --force: they go on running then, and nobody looks after them",
	}
}

// release lets helm uninstall, but for the CRDs.
func (r *Removal) release(ctx context.Context, opts UninstallOptions) error {
	h, err := opts.Cluster.helm(ctx, opts.Namespace, func([]Pending) {})
	if err != nil {
		return err
	}
	last, err := h.last(opts.HelmRelease)
	if err != nil || last == nil {
		return err
	}
	if r.KeptDefinitions, err = keepDefinitions(last); err != nil {
		return err
	}
	if len(r.KeptDefinitions) > 0 {
		if err := h.config.Releases.Update(last); err != nil {
			return explain(fmt.Errorf("protecting the CRDs in helm release %s: %w", last.Name, err))
		}
	}
	uninstall := action.NewUninstall(h.config)
	uninstall.Timeout, uninstall.Wait = opts.Timeout, true
	_, err = h.watched(ctx, func() (*helmrelease.Release, error) {
		response, err := uninstall.Run(opts.HelmRelease)
		if response == nil {
			return nil, err
		}
		return response.Release, err
	}, releaseOptions{})
	if err != nil {
		return &Error{
			Err: explainHelm(err), Details: []string{h.stateOf(opts.HelmRelease)},
			Advice: "run `pgrelocate uninstall` again to go on",
		}
	}
	r.Removed = true
	return nil
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

// secrets removes our pull secrets, but for those in namespaces with databases, whose
// pods would not start again.
func (r *Removal) secrets(ctx context.Context, opts UninstallOptions) error {
	ours, err := opts.Cluster.OurSecrets(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, secret := range ours {
		name := secret.Namespace + "/" + secret.Name
		if secret.Name != opts.PullSecret {
			continue
		}
		if slices.ContainsFunc(r.Instances, func(i Instance) bool { return i.Namespace == secret.Namespace }) {
			r.KeptSecrets = append(r.KeptSecrets, name)
			continue
		}
		err := opts.Cluster.of(secrets, secret.Namespace).Delete(ctx, secret.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			failures = append(failures, explain(fmt.Errorf("removing secret %s: %w", name, err)))
			continue
		}
		r.Secrets = append(r.Secrets, name)
	}
	slices.SortFunc(r.Secrets, strings.Compare)
	return errors.Join(failures...)
}
