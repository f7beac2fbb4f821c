package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/pgrelocate/pgrelocate/internal/heed"
	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
)

// Manager is who we are to the API server, as the manager of fields; the label
// app.kubernetes.io/managed-by says the same to people.
const Manager = "pgrelocate"

// reachTimeout is how long the cluster may take to tell its version.
const reachTimeout = 15 * time.Second

// Access says which cluster to use. The zero value is what kubectl would use.
type Access struct {
	// Kubeconfig is a file; empty means $KUBECONFIG, ~/.kube/config, or the pod's own.
	Kubeconfig string
	// Context is one of its contexts; empty is the current one.
	Context string
	// UserAgent is sent with every request; Manager when empty.
	UserAgent string
}

// Cluster is a connection to one cluster. It is safe for concurrent use.
type Cluster struct {
	config    *rest.Config
	loader    clientcmd.ClientConfig
	dynamic   dynamic.Interface
	discovery discovery.CachedDiscoveryInterface
	mapper    *restmapper.DeferredDiscoveryRESTMapper
	version   *version.Info
}

// quiet keeps client-go and helm from writing to the standard error on their own account: the
// first by klog, the second by the standard library's own logger, for lookups in templates.
var quiet = sync.OnceFunc(func() {
	klog.SetSlogLogger(slog.New(slog.DiscardHandler)) // what it is not told to write, it writes where it is an error
	log.SetOutput(io.Discard)
})

// Connect reads the kubeconfig and asks the cluster for its version. Errors wrap
// ErrNoCluster.
func Connect(ctx context.Context, access Access) (*Cluster, error) {
	quiet()
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = access.Kubeconfig
	onlyOwn(rules)
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: access.Context})
	config, err := heed.Call(ctx, func() (*rest.Config, error) { // it may be a pipe
		if err := checkPlaces(rules); err != nil {
			return nil, err
		}
		return loader.ClientConfig()
	})
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, noConfig(err, rules.Precedence)
	}
	config.UserAgent = access.UserAgent
	if config.UserAgent == "" {
		config.UserAgent = Manager
	}
	config.WarningHandler = rest.NoWarnings{}
	config.QPS, config.Burst = 50, 100
	if config, err = heeding(ctx, config); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCluster, err)
	}
	c := &Cluster{config: config, loader: loader}
	if c.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCluster, err)
	}
	plain, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCluster, err)
	}
	c.discovery = memory.NewMemCacheClient(plain)
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(c.discovery)
	return c, c.reach(ctx, plain.RESTClient())
}

// reach asks for the version, which every user may read, with a bound of its own.
func (c *Cluster) reach(ctx context.Context, client rest.Interface) error {
	bounded, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	c.version = &version.Info{}
	body, err := client.Get().AbsPath("/version").DoRaw(bounded)
	if err == nil {
		err = jsonlimit.Unmarshal(body, c.version)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case apierrors.IsUnauthorized(err), apierrors.IsForbidden(err):
		return Explain(fmt.Errorf("asking %s for its version: %w", c.config.Host, err))
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("no answer within %s", reachTimeout)
	}
	return fmt.Errorf("%w at %s: %w", ErrNoCluster, c.config.Host, err)
}

// Version is the cluster's Kubernetes, "v1.36.3".
func (c *Cluster) Version() string { return c.version.GitVersion }

// Host is the address of the API server.
func (c *Cluster) Host() string { return c.config.Host }

// APIVersions lists what the cluster serves as charts ask for it, "cert-manager.io/v1"
// and "cert-manager.io/v1/Certificate".
func (c *Cluster) APIVersions(ctx context.Context) ([]string, error) {
	c.Refresh()
	lists, err := heed.Call(ctx, func() ([]*metav1.APIResourceList, error) {
		_, lists, err := c.discovery.ServerGroupsAndResources()
		return lists, err
	})
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, Explain(fmt.Errorf("asking the cluster for its APIs: %w", err))
	}
	var all []string
	for _, list := range lists {
		all = append(all, list.GroupVersion)
		for _, resource := range list.APIResources {
			all = append(all, list.GroupVersion+"/"+resource.Kind)
		}
	}
	return all, nil
}

// Refresh forgets what the cluster serves, after CRDs came or went.
func (c *Cluster) Refresh() {
	c.discovery.Invalidate()
	c.mapper.Reset()
}

// Serves tells whether the cluster knows a kind, and as which resource.
func (c *Cluster) Serves(ctx context.Context, kind schema.GroupKind) (*meta.RESTMapping, bool, error) {
	mapping, err := heed.Call(ctx, func() (*meta.RESTMapping, error) { return c.mapper.RESTMapping(kind) })
	if meta.IsNoMatchError(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, Explain(fmt.Errorf("asking the cluster for %s: %w", kind, err))
	}
	return mapping, true, nil
}

// Knows tells whether the cluster serves a kind.
func (c *Cluster) Knows(ctx context.Context, kind schema.GroupKind) (bool, error) {
	_, known, err := c.Serves(ctx, kind)
	return known, err
}

// Resources that other rooms have a use for too.
var (
	Pods        = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	Secrets     = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	Definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

// The other resources that are used without asking the cluster what it serves.
var (
	namespaces  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	configMaps  = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	reviews     = schema.GroupVersionResource{Group: "authorization.k8s.io", Version: "v1", Resource: "selfsubjectaccessreviews"}
	whoami      = schema.GroupVersionResource{Group: "authentication.k8s.io", Version: "v1", Resource: "selfsubjectreviews"}
)

// Resource is the client for a resource in a namespace; an empty namespace is all of them.
func (c *Cluster) Resource(resource schema.GroupVersionResource, namespace string) dynamic.ResourceInterface {
	if namespace == "" {
		return c.dynamic.Resource(resource)
	}
	return c.dynamic.Resource(resource).Namespace(namespace)
}

// List reads all objects of a resource, page by page.
func (c *Cluster) List(ctx context.Context, resource schema.GroupVersionResource, namespace string, opts metav1.ListOptions) ([]unstructured.Unstructured, error) {
	var all []unstructured.Unstructured
	opts.Limit = 500
	for {
		page, err := c.Resource(resource, namespace).List(ctx, opts)
		if err != nil {
			return nil, Explain(fmt.Errorf("listing %s: %w", resource.Resource, err))
		}
		all = append(all, page.Items...)
		if opts.Continue = page.GetContinue(); opts.Continue == "" {
			return all, nil
		}
	}
}
