package install

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// UninstallOptions steer Uninstall. All but Force and Timeout are needed.
type UninstallOptions struct {
	Cluster                *cluster.Cluster
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
	Instances       []cluster.Instance
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
	if removal.Instances, err = opts.Cluster.Instances(ctx, TraitsOf(opts.Product).Instance); err != nil {
		return nil, err
	}
	if len(removal.Instances) > 0 && !opts.Force {
		return nil, &InUseError{Instances: removal.Instances}
	}
	if err := removal.release(ctx, opts); err != nil {
		return removal, err
	}
	return removal, removal.secrets(ctx, opts)
}

// release lets helm uninstall, but for the CRDs.
func (r *Removal) release(ctx context.Context, opts UninstallOptions) error {
	releases, err := helm.Open(ctx, opts.Cluster, opts.Namespace, nil)
	if err != nil {
		return err
	}
	r.KeptDefinitions, r.Removed, err = releases.Uninstall(ctx, opts.HelmRelease, opts.Timeout)
	if err != nil {
		return &UninstallError{Err: err, State: releases.State(opts.HelmRelease)}
	}
	return nil
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
		if slices.ContainsFunc(r.Instances, func(i cluster.Instance) bool { return i.Namespace == secret.Namespace }) {
			r.KeptSecrets = append(r.KeptSecrets, name)
			continue
		}
		if err := opts.Cluster.RemoveSecret(ctx, secret.Namespace, secret.Name); err != nil {
			failures = append(failures, err)
			continue
		}
		r.Secrets = append(r.Secrets, name)
	}
	slices.SortFunc(r.Secrets, strings.Compare)
	return errors.Join(failures...)
}
