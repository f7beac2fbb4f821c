package registrytest

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ggcrremote "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Small is a registry for examples, which have no test to fail: it starts in this process and
// holds an image of two blobs under each of the names, "team/app:v1". It ends with the returned
// function.
func Small(names ...string) (host string, end func(), err error) {
	server := httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
	host = strings.TrimPrefix(server.URL, "http://")
	for _, of := range names {
		if err := pushSmall(host + "/" + of); err != nil {
			server.Close()
			return "", nil, err
		}
	}
	return host, server.Close, nil
}

func pushSmall(reference string) error {
	to, err := name.ParseReference(reference)
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(empty.Image, static.NewLayer([]byte("an operator"), types.OCILayer))
	if err != nil {
		return err
	}
	return ggcrremote.Write(to, image)
}
