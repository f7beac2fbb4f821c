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
	// Force uninstalls although databases exist. They go on running, and nobody looks
	// after them any more.
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
	// releases need, each as NAMESPACE/NAME.
	Secrets     []string
	KeptSecrets []string
	// KeptDefinitions are the CRDs of the release, and Instances the databases; both stay.
	KeptDefinitions []string
	Instances       []cluster.Instance
	// KeptObjects are others of the release that stay, for the cluster would delete their volumes
	// with them, "StatefulSet ns/name".
	KeptObjects []string
	// SkippedHooks are the chart's hooks for uninstalling that were not run, "Job wipe": what they
	// delete nobody knows, and there are databases.
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
// where databases exist, unless forced, and with a *NoReleaseError, touching nothing, where
// there is no such release. Once it has begun to remove, a failure is an *UninstallError, and
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

// findDatabases looks for databases, of kinds that the product names, or of every kind that any
// revision of the release has defined or looked after.
func (r *removal) findDatabases(ctx context.Context) (string, error) {
	kinds, err := r.recorded.kinds(ctx, r.Cluster, nil)
	if err != nil {
		return "", err
	}
	if r.known = knows(r.Product, r.HelmRelease, kinds); !r.known {
		live, err := r.Cluster.DefinedFor(ctx, r.owner)
		if err != nil {
			return "", err
		}
		kinds = append(kinds, live...)
	}
	for _, kind := range databases(r.Product, r.HelmRelease, kinds) {
		if !slices.Contains(r.databases, kind) {
			r.databases = append(r.databases, kind)
		}
	}
	if err := r.served(ctx); err != nil {
		return "", err
	}
	if r.done.Instances, err = r.Cluster.Instances(ctx, r.databases...); err != nil {
		return "", fmt.Errorf("which databases there are cannot be seen, and nothing was removed: %w", err)
	}
	if inTheWay := slices.DeleteFunc(slices.Clone(r.done.Instances), r.isOwn); len(inTheWay) > 0 && !r.Force {
		return "", &InUseError{Instances: inTheWay}
	}
	return "", nil
}

// served wants the kinds of databases whose CRD is there to be served: the databases of one that is
// not are there too, and cannot be seen.
func (r *removal) served(ctx context.Context) error {
	var unserved []chart.Object
	for _, object := range r.recorded.objects {
		for _, kind := range cluster.Defined([]chart.Object{object}) {
			known, err := r.Cluster.Knows(ctx, kind)
			if err != nil {
				return err
			}
			if !known && slices.Contains(r.databases, kind) {
				unserved = append(unserved, object)
			}
		}
	}
	found, err := r.Cluster.Find(ctx, unserved, r.Namespace)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return &UnservedError{Definition: found[0].GetName()}
	}
	return nil
}

// isOwn tells whether an object of the kinds that a chart defines came with that chart. Where nobody
// says which of these kinds are databases, such an object is in nobody's way; it stays like the
// others, for it may be one.
func (r *removal) isOwn(instance cluster.Instance) bool {
	return !r.known && slices.ContainsFunc(r.recorded.objects, func(o chart.Object) bool {
		return o.GetKind() == instance.Kind && o.GetName() == instance.Name &&
			(instance.Namespace == "" || cluster.NamespaceOf(o, r.Namespace) == instance.Namespace)
	})
}

// permissions asks for everything that is about to be done, so that it is not left half done.
func (r *removal) permissions(ctx context.Context) (string, error) {
	all, err := pullsecret.List(ctx, r.Cluster)
	if err != nil {
		return "", err
	}
	var namespaces []string
	for _, secret := range all {
		if secret.Owner == r.owner {
			r.secrets = append(r.secrets, secret)
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
	r.done.SkippedHooks, err = r.releases.Uninstall(ctx, r.HelmRelease, r.databases, r.Timeout)
	if err == nil {
		r.done.KeptObjects = r.releases.Changes().Kept
	}
	return "", r.left(err)
}

// removeSecrets removes the release's pull secrets, but for those that others have a use for:
// databases in their namespace, whose pods would not start again, and other releases.
func (r *removal) removeSecrets(ctx context.Context) (string, error) {
	var failures []error
	for _, secret := range r.secrets {
		name := secret.Namespace + "/" + secret.Name
		if secret.Shared || slices.ContainsFunc(r.done.Instances, func(i cluster.Instance) bool { return i.Namespace == secret.Namespace }) {
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
