package plan_test

import (
	"context"
	"fmt"
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

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A plan says what a copy would do. What it cannot copy is in it, with the reason.
func ExampleNew() {
	server := httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	if err := push(host + "/vendor/postgres-operator:v4.3.1"); err != nil {
		fmt.Println(err)
		return
	}
	client, err := remote.New(host, remote.Options{Push: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	ends := registry.Endpoints{Source: func(string) (registry.Source, error) { return client, nil }, Target: client}
	artifact := func(repository string) versions.Artifact {
		return versions.Artifact{
			Source: ref.Reference{Host: host, Repository: "vendor/" + repository, Tag: "v4.3.1"},
			Target: ref.Reference{Host: host, Repository: "private/" + repository, Tag: "v4.3.1"},
		}
	}
	planned, err := plan.New(context.Background(), ends, []versions.Artifact{artifact("postgres-operator"), artifact("ferretdb")}, plan.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range planned.Artifacts {
		fmt.Println(a.State, a.Target.Repository)
	}
	fmt.Println(len(planned.Blobs), "blobs to move")
	// Output:
	// new private/postgres-operator
	// failed private/ferretdb
	// 2 blobs to move
}

func push(reference string) error {
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
