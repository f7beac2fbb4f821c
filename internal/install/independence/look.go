package independence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Options steer Look. Cluster is needed.
type Options struct {
	Cluster *cluster.Cluster
	// Hosts are vendors' registries, besides those that everybody uses.
	Hosts []string
	// Ours is what does not count wherever it lies: the private registry.
	Ours ref.Folder
	// Objects and Mentions bound what is looked at, and what is kept; 0 is the package's own.
	Objects, Mentions int
}

// The bounds where none are given.
const (
	mostObjects  = 200_000
	mostMentions = 20_000
	atOnce       = 4
)

// Mention is a string that names a registry of somebody else.
type Mention struct {
	// Object is "Deployment pg/op", Path where in it.
	Object, Path string
	// Host is the registry.
	Host string
	// Names is what is named; empty in secrets, of which nothing is shown.
	Names string
	// Owner is whose the object is: another object, a helm release, or what manages it; empty where
	// nobody says.
	Owner string
}

// Unseen is what could not be looked at, so that it may name anything.
type Unseen struct {
	// What is a resource, "secrets", or a group of them.
	What string
	Err  error
}

// Findings are what was found.
type Findings struct {
	// Mentions are in the order of their objects.
	Mentions []Mention
	// Unseen is empty where everything was looked at.
	Unseen []Unseen
	// Objects is how many were looked at.
	Objects int
}

// Whole tells whether everything was looked at.
func (r *Findings) Whole() bool { return len(r.Unseen) == 0 }

// Hosts are the registries that are named, each once, in order.
func (r *Findings) Hosts() []string {
	var all []string
	for _, m := range r.Mentions {
		all = append(all, m.Host)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// passing are resources whose objects only tell what happened, or what is there now.
var passing = []schema.GroupResource{
	{Resource: "events"}, {Group: "events.k8s.io", Resource: "events"}, {Resource: "nodes"}, {Resource: "endpoints"},
	{Resource: "componentstatuses"}, {Group: "discovery.k8s.io", Resource: "endpointslices"}, {Group: "coordination.k8s.io", Resource: "leases"},
	{Group: "apps", Resource: "controllerrevisions"}, {Group: "metrics.k8s.io", Resource: "pods"}, {Group: "metrics.k8s.io", Resource: "nodes"},
}

// errBound: there is more than is looked at.
var errBound = errors.New("there is more than is looked at")

// Look lists all that the caller may list, page by page, and keeps what names a registry of somebody
// else. What cannot be listed is in the report; the error is for a cluster that cannot be asked at
// all, and for a context that ended.
func Look(ctx context.Context, opts Options) (*Findings, error) {
	if opts.Objects <= 0 {
		opts.Objects = mostObjects
	}
	if opts.Mentions <= 0 {
		opts.Mentions = mostMentions
	}
	resources, unknown, err := opts.Cluster.Listable(ctx)
	if err != nil {
		return nil, err
	}
	l := &look{Options: opts, registries: known(opts.Hosts)}
	for _, group := range unknown {
		l.report.Unseen = append(l.report.Unseen, Unseen{group, errors.New("the API server does not tell what this group has")})
	}
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, resource := range resources {
		if slices.Contains(passing, resource.GroupResource()) {
			continue
		}
		group.Go(func() error { return l.resource(running, resource) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return l.finish(), nil
}

// resource looks at all objects of one.
func (l *look) resource(ctx context.Context, resource schema.GroupVersionResource) error {
	name := resource.GroupResource().String()
	err := l.Cluster.EachPage(ctx, resource, func(page []unstructured.Unstructured) bool {
		for i := range page {
			if !l.object(&page[i]) {
				return false
			}
		}
		return true
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && l.full {
		err = errBound
	}
	if err != nil {
		l.report.Unseen = append(l.report.Unseen, Unseen{name, err})
	}
	return nil
}

// ownerOf says whose an object is.
func ownerOf(object *unstructured.Unstructured) string {
	for _, owner := range object.GetOwnerReferences() {
		return strings.TrimSpace(fmt.Sprintf("%s %s", owner.Kind, inNamespace(object.GetNamespace(), owner.Name)))
	}
	annotations, labels := object.GetAnnotations(), object.GetLabels()
	if release := annotations["meta.helm.sh/release-name"]; release != "" {
		return "helm release " + inNamespace(annotations["meta.helm.sh/release-namespace"], release)
	}
	if manager := labels["app.kubernetes.io/managed-by"]; manager != "" {
		return manager
	}
	return ""
}

func inNamespace(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}
