package cluster

import (
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Getter hands this connection to what makes clients of its own, as helm does.
func (c *Cluster) Getter() genericclioptions.RESTClientGetter { return getter{c} }

type getter struct{ *Cluster }

func (g getter) ToRESTConfig() (*rest.Config, error)           { return rest.CopyConfig(g.config), nil }
func (g getter) ToRESTMapper() (meta.RESTMapper, error)        { return g.mapper, nil }
func (g getter) ToRawKubeConfigLoader() clientcmd.ClientConfig { return g.loader }
func (g getter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return g.discovery, nil
}
