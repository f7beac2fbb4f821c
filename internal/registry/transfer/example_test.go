package transfer_test

import (
	"context"
	"fmt"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A copy is a plan and what carries it out.
func ExampleCopy() {
	vendor, end, err := registrytest.Small("postgres-operator:v4.3.1")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end()
	private, endPrivate, err := registrytest.Small()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer endPrivate()
	report, err := relocate(context.Background(), vendor, private)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Copied, "copied,", report.BlobsUploaded, "blobs uploaded,", report.Failed, "failed")
	// Output: 1 copied, 2 blobs uploaded, 0 failed
}

func relocate(ctx context.Context, vendor, private string) (*transfer.Tally, error) {
	source, err := remote.New(vendor, remote.Options{Side: registry.SideSource})
	if err != nil {
		return nil, err
	}
	defer source.Close()
	target, err := remote.New(private, remote.Options{Side: registry.SideTarget, Push: true})
	if err != nil {
		return nil, err
	}
	defer target.Close()
	ends := registry.Endpoints{Source: func(string) (registry.Source, error) { return source, nil }, Target: target}
	planned, err := plan.New(ctx, ends, []versions.Artifact{{
		Source: ref.Reference{Host: vendor, Repository: "postgres-operator", Tag: "v4.3.1"},
		Target: ref.Reference{Host: private, Repository: "databases/postgres-operator", Tag: "v4.3.1"},
	}}, plan.Options{})
	if err != nil {
		return nil, err
	}
	return transfer.Copy(ctx, ends, planned, transfer.Options{})
}
