package cluster

import (
	"context"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// mostLog is how much of a log is read at once.
const mostLog = 4 << 20

// LogTail is the end of what a pod's container has written, so many lines at most.
func (c *Cluster) LogTail(ctx context.Context, namespace, pod string, lines int) ([]byte, error) {
	config := rest.CopyConfig(c.config)
	config.APIPath, config.GroupVersion = "/api", &schema.GroupVersion{Version: "v1"}
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, err
	}
	// As a stream, whose error is the API server's own; that of DoRaw has lost its words.
	log, err := client.Get().Namespace(namespace).Resource("pods").Name(pod).SubResource("log").
		Param("tailLines", fmt.Sprint(lines)).Stream(ctx)
	if err != nil {
		return nil, Explain(fmt.Errorf("reading the log of pod %s: %w", pod, err))
	}
	defer log.Close()
	return io.ReadAll(io.LimitReader(log, mostLog))
}
