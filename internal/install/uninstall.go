package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// UninstallOptions steer Uninstall. All but Force and Timeout are needed.
type UninstallOptions struct {
	Cluster                *cluster.Cluster
	Product                *versions.Product
	HelmRelease, Namespace string
	// Force uninstalls although databases exist, or may exist for all that can be seen. They go on
	// running, and nobody looks after them any more.
	Force bool
	// Timeout bounds the waiting; 0 means DefaultTimeout.
	Timeout time.Duration
}

// Removal is what an uninstall did.
type Removal struct {
	HelmRelease string
	Namespace   string
	// Removed says that the release was removed.
	Removed bool
	// Secrets are the pull secrets that were removed, KeptSecrets those that databases or other
	// releases need, or may need, each as NAMESPACE/NAME.
	Secrets     []string
	KeptSecrets []string
	// KeptDefinitions are the CRDs of the release, and Instances the databases; both stay.
	KeptDefinitions []string
	Instances       []cluster.Instance
	// Unseen is why not all databases can be seen, each reason once: there may be some beside
	// Instances, and they stay too.
	Unseen []error
	// KeptObjects are others of the release that stay, for the cluster would delete their volumes
	// with them, "StatefulSet ns/name".
	KeptObjects []string
	// TheirObjects are of the release's manifest and stay, for they belong to other releases by now.
	TheirObjects []string
	// SkippedHooks are the chart's hooks for uninstalling that were not run, "Job wipe": what they
	// delete nobody knows, and there are databases, or may be.
	SkippedHooks []string
}

// removal is one uninstall under way.
type removal struct {
	UninstallOptions
	owner    cluster.Owner
	recorded recorded
	// known says that the product tells which kinds are databases, and databases are these.
	known     bool
	databases []schema.GroupKind
	secrets   []pullsecret.Result
	releases  *helm.Releases
	done      Removal
}

// Uninstall removes a helm release and its pull secrets. CRDs stay, since every database would
// go with them, and so do namespaces, volumes and databases. It refuses with an *InUseError
// where databases exist, and with an *UnseenError where they cannot be seen, unless forced, and with a
// *NoReleaseError, touching nothing, where there is no such release. Once it has begun to remove, a failure is an *UninstallError, and
// the next run carries on. The removal is there in any case.
//
// Nothing before the objects writes to the cluster.
func Uninstall(ctx context.Context, opts UninstallOptions) (*Removal, error) {
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	r := &removal{
		UninstallOptions: opts,
		owner:            cluster.Owner{Namespace: opts.Namespace, Release: opts.HelmRelease},
		done:             Removal{HelmRelease: opts.HelmRelease, Namespace: opts.Namespace},
	}
	_, err := runSteps(ctx, []step{
		{"release", r.findRelease},
		{"databases", r.findDatabases},
		{"permissions", r.permissions},
		{"objects", r.removeObjects},
		{"pull secrets", r.removeSecrets},
		{"record", r.forget},
	}, Hooks{})
	return &r.done, err
}

func (r *removal) findRelease(ctx context.Context) (string, error) {
	var err error
	if r.recorded, err = readRecords(ctx, r.Cluster, r.owner); err != nil {
		return "", err
	}
	if r.recorded.last == nil {
		missing := &NoReleaseError{Owner: r.owner, Unseen: r.recorded.unseen}
		// Only to help: that it may not be looked at changes nothing.
		missing.Elsewhere, _ = r.Cluster.NamespacesOf(ctx, r.HelmRelease)
		return "", missing
	}
	for _, object := range r.recorded.objects {
		if object.IsCRD() {
			r.done.KeptDefinitions = append(r.done.KeptDefinitions, object.GetName())
		}
	}
	slices.Sort(r.done.KeptDefinitions)
	r.done.KeptDefinitions = slices.Compact(r.done.KeptDefinitions)
	return "", nil
}

// permissions asks for everything that is about to be done, so that it is not left half done.
func (r *removal) permissions(ctx context.Context) (string, error) {
	all, err := pullsecret.List(ctx, r.Cluster)
	if err != nil {
		return "", err
	}
	var namespaces []string
	for _, secret := range all {
		if secret.Owner != r.owner {
			continue
		}
		r.secrets = append(r.secrets, secret)
		if !r.needed(secret) {
			namespaces = append(namespaces, secret.Namespace)
		}
	}
	last, err := r.recorded.last.Rendering()
	if err != nil {
		return "", err
	}
	objects := last.Without(func(object chart.Object) bool { return object.Hook || object.FromCRDs }).Objects
	return "", r.Cluster.CheckPermissions(ctx, r.Cluster.UninstallPermissions(ctx, objects, r.owner, namespaces))
}

func (r *removal) removeObjects(ctx context.Context) (string, error) {
	var err error
	if r.releases, err = helm.Open(ctx, r.Cluster, r.Namespace, nil); err != nil {
		return "", err
	}
	r.done.SkippedHooks, err = r.releases.Uninstall(ctx, helm.Removal{
		Name: r.HelmRelease, Databases: r.databases, Unseen: len(r.done.Unseen) > 0, Timeout: r.Timeout,
	})
	if err == nil {
		changes := r.releases.Changes()
		r.done.KeptObjects, r.done.TheirObjects = changes.Kept, changes.Theirs
	}
	return "", r.left(err)
}

// needed tells whether others have a use for a pull secret of the release: other releases, and databases in
// its namespace, whose pods would not start again without. What cannot be seen may be anywhere.
func (r *removal) needed(secret pullsecret.Result) bool {
	return secret.Shared || len(r.done.Unseen) > 0 ||
		slices.ContainsFunc(r.done.Instances, func(i cluster.Instance) bool { return i.Namespace == secret.Namespace })
}

// removeSecrets removes the release's pull secrets that nobody else needs.
func (r *removal) removeSecrets(ctx context.Context) (string, error) {
	var failures []error
	for _, secret := range r.secrets {
		name := secret.Namespace + "/" + secret.Name
		if r.needed(secret) {
			r.done.KeptSecrets = append(r.done.KeptSecrets, name)
			continue
		}
		if err := pullsecret.Remove(ctx, r.Cluster, secret.Namespace, secret.Name); err != nil {
			failures = append(failures, err)
			continue
		}
		r.done.Secrets = append(r.done.Secrets, name)
	}
	slices.SortFunc(r.done.Secrets, strings.Compare)
	return "", r.left(errors.Join(failures...))
}

// forget is last: as long as the record is there, the next run carries on.
func (r *removal) forget(ctx context.Context) (string, error) {
	err := r.releases.Forget(ctx, r.HelmRelease)
	r.done.Removed = err == nil
	return "", r.left(err)
}

// left adds to an error in what state the release is now.
func (r *removal) left(err error) error {
	if err == nil {
		return nil
	}
	return &UninstallError{Err: fmt.Errorf("removing helm release %s: %w", r.owner, err), State: r.releases.State(r.HelmRelease)}
}
