package transfer_test

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
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A copy is a plan and what carries it out.
func ExampleCopy() {
	vendor, private := exampleRegistry(), exampleRegistry()
	defer vendor.Close()
	defer private.Close()
	if err := pushExample(host(vendor) + "/postgres-operator:v4.3.1"); err != nil {
		fmt.Println(err)
		return
	}
	report, err := relocate(context.Background(), host(vendor), host(private))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Copied, "copied,", report.BlobsUploaded, "blobs uploaded,", report.Failed, "failed")
	// Output: 1 copied, 2 blobs uploaded, 0 failed
}

func relocate(ctx context.Context, vendor, private string) (*transfer.Report, error) {
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

func exampleRegistry() *httptest.Server {
	return httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
}

func host(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

func pushExample(reference string) error {
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
