package bundle_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A bundle is collected at a source, written, and opened on the other side of the gap.
func ExampleOpen() {
	folder, err := os.MkdirTemp("", "bundle")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	file := filepath.Join(folder, "pg.tar")
	if err := saveExample(context.Background(), file); err != nil {
		fmt.Println(err)
		return
	}
	b, err := bundle.Open(context.Background(), file, bundle.OpenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = b.Close() }()
	for _, a := range b.Lock().Artifacts {
		fmt.Println(a.Target)
	}
	fmt.Println(b.Verify(context.Background(), bundle.VerifyOptions{}))
	// Output:
	// databases/postgres-operator:v4.3.1
	// <nil>
}

func saveExample(ctx context.Context, file string) error {
	host, end, err := registrytest.Small("postgres-operator:v4.3.1")
	if err != nil {
		return err
	}
	defer end()
	client, err := remote.New(host, remote.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	source := func(string) (registry.Source, error) { return client, nil }
	found, err := lock.Collect(ctx, source, []versions.Artifact{{
		Product: "tanzu", Release: "v4.3.1", Role: versions.RoleOperator,
		Source: ref.Reference{Host: host, Repository: "postgres-operator", Tag: "v4.3.1"},
		Target: ref.Reference{Repository: "databases/postgres-operator", Tag: "v4.3.1"},
	}}, nil, plan.Options{})
	if err != nil {
		return err
	}
	_, err = write.File(ctx, file, &write.Content{Content: found.Content}, found.Open, write.Options{})
	return err
}
