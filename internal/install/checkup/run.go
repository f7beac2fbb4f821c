package checkup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
)

// What could be done about what is found in a cluster.
const (
	// Allow: the caller lacks permissions.
	Allow finding.Remedy = "permissions"
	// InstallFirst: something has to be there before.
	InstallFirst finding.Remedy = "prerequisite"
	// MendWebhook: it is there and does not answer.
	MendWebhook finding.Remedy = "webhook"
	// OtherPlatform: no image for the nodes.
	OtherPlatform finding.Remedy = "platform"
	// MakeSecret: a pull secret is missing, refused or about to expire.
	MakeSecret finding.Remedy = "secret"
)

// Options steer Run. Cluster, Namespace and PullSecret are needed.
type Options struct {
	Cluster *cluster.Cluster
	// Namespace is the operator's, and Owner the release that would be installed there.
	Namespace string
	Owner     cluster.Owner
	// Namespaces hold databases, or will; those of Databases are added.
	Namespaces []string
	Databases  []schema.GroupKind
	// Requires are what the product does not work without.
	Requires []cluster.Prerequisite
	// PullSecret is the name of the pull secrets, Host the registry that they are for; where it is
	// empty, they are not looked at.
	PullSecret, Host string
	// Try tells whether the registry accepts a login; nil where it cannot be asked.
	Try func(ctx context.Context, login pullsecret.Credentials) error
	// Anonymous tells whether the registry gives images to whoever asks without a login; known is false where
	// that cannot be told. nil where it cannot be asked.
	Anonymous func(ctx context.Context) (gives, known bool)
	// Images are the platforms of each image that was found, by its name.
	Images map[string][]v1.Platform
	// Timeout bounds each probe.
	Timeout time.Duration
	// Now is this machine's clock; nil is time.Now.
	Now func() time.Time
}

// Run looks at a cluster. Its error is that of a context which ended.
func Run(ctx context.Context, opts Options) ([]finding.Finding, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	e := &examination{opts}
	probes := []finding.Probe{
		{Name: "API server", Look: e.version},
		{Name: "permissions", Look: e.permissions},
		{Name: "nodes", Look: e.nodes},
		{Name: "pull secrets", Look: e.secrets},
		{Name: "cached images", Look: e.cached},
	}
	for _, p := range opts.Requires {
		probes = append(probes, finding.Probe{Name: p.Product, Look: func(ctx context.Context) finding.Finding { return e.requires(ctx, p) }})
	}
	return finding.Run(ctx, opts.Timeout, probes)
}

type examination struct{ Options }

func (e *examination) version(context.Context) finding.Finding {
	return finding.Okf("%s answers, Kubernetes %s", e.Cluster.Host(), e.Cluster.Version())
}

// definitions, and what charts bring beside them, need rights in the whole cluster.
var wide = []schema.GroupResource{
	{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"},
	{Group: "rbac.authorization.k8s.io", Resource: "clusterroles"},
}

// permissions are those that every installation needs; what a chart needs beside them is asked when
// it is installed.
func (e *examination) permissions(ctx context.Context) finding.Finding {
	exists, err := e.Cluster.HasNamespace(ctx, e.Namespace)
	if err != nil && !errors.Is(err, cluster.ErrDenied) {
		return finding.Failure(err)
	}
	var missing []string
	if err == nil && !exists {
		missing = []string{e.Namespace}
	}
	wanted := e.Cluster.InstallPermissions(ctx, nil, e.Owner, append([]string{e.Namespace}, e.Namespaces...), missing)
	for _, resource := range wide {
		for _, verb := range []string{"get", "create", "patch"} {
			wanted = append(wanted, cluster.Permission{Verb: verb, Resource: resource})
		}
	}
	denied, err := e.Cluster.Denied(ctx, wanted)
	switch {
	case err != nil:
		return finding.Failure(err)
	case len(denied) == 0:
		return finding.Okf("all that every installation needs, %d permissions", len(wanted))
	}
	found := finding.Failf(Allow, "%d of %d permissions that an installation needs are missing: ", len(denied), len(wanted))
	for _, permission := range denied {
		found.About = append(found.About, permission.String())
	}
	const shown = 3
	found.Says += strings.Join(found.About[:min(shown, len(denied))], ", ")
	if len(denied) > shown {
		found.Says += ", …"
	}
	return found
}

// requires asks a prerequisite's webhook in dry-run.
func (e *examination) requires(ctx context.Context, p cluster.Prerequisite) finding.Finding {
	namespace := e.Namespace
	if exists, err := e.Cluster.HasNamespace(ctx, namespace); err == nil && !exists {
		namespace = "default"
	}
	notice, err := e.Cluster.CheckPrerequisite(ctx, p, namespace)
	switch {
	case errors.Is(err, cluster.ErrNoPrerequisite):
		found := finding.Failf(InstallFirst, "%s is not installed, and the operator needs it", p.Title)
		found.About = []string{p.Product}
		return found
	case errors.Is(err, cluster.ErrNoAnswer):
		return finding.Failf(MendWebhook, "%v", err)
	case err != nil:
		return finding.Failure(err)
	case notice != "":
		return finding.Warnf("", "%s", notice)
	}
	return finding.Okf("%s is installed, and its webhook answers", p.Title)
}

// firstWithCheck is the Kubernetes that asks, by default, whether a pod's own pull secret allows an
// image that its node has already.
const firstWithCheck = 35

// cached says what that means for whoever rotates secrets.
func (e *examination) cached(context.Context) finding.Finding {
	var major, minor int
	if _, err := fmt.Sscanf(e.Cluster.Version(), "v%d.%d", &major, &minor); err != nil {
		return finding.Skipf("the cluster's version %s tells nothing", e.Cluster.Version())
	}
	if major == 1 && minor < firstWithCheck {
		return finding.Okf("before Kubernetes 1.%d, nodes run images that they have whatever the pull secret says", firstWithCheck)
	}
	return finding.Okf("from Kubernetes 1.%d on, nodes ask by default whether a pod's pull secret may use an image that they have: one that is missing or has expired matters for those too", firstWithCheck)
}
