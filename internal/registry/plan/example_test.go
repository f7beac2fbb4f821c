package plan_test

import (
	"context"
	"fmt"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A plan says what a copy would do. What it cannot copy is in it, with the reason.
func ExampleNew() {
	host, end, err := registrytest.Small("vendor/postgres-operator:v4.3.1")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end()
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
