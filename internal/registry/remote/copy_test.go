package remote_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	ggcrremote "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// startRegistry serves an empty in-process registry.
func startRegistry(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(ggcr.New(ggcr.WithReferrersSupport(true), ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// pushImages puts images with shared layers under repository:v0, v1, …
func pushImages(t *testing.T, host, repository string, shared []v1.Layer, count int) {
	t.Helper()
	for i := range count {
		own, err := random.Layer(10_000, types.OCILayer)
		if err != nil {
			t.Fatal(err)
		}
		image, err := mutate.AppendLayers(empty.Image, append([]v1.Layer{own}, shared...)...)
		if err != nil {
			t.Fatal(err)
		}
		ref, err := name.ParseReference(fmt.Sprintf("%s/%s:v%d", host, repository, i))
		if err != nil {
			t.Fatal(err)
		}
		if err := ggcrremote.Write(ref, image); err != nil {
			t.Fatal(err)
		}
	}
}

func newClient(t *testing.T, host string, opts remote.Options) *remote.Client {
	t.Helper()
	opts.CertsDirs = []string{}
	client, err := remote.New(host, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func artifactsOf(source, target, repository string, count int) []versions.Artifact {
	var artifacts []versions.Artifact
	for i := range count {
		tag := fmt.Sprintf("v%d", i)
		artifacts = append(artifacts, versions.Artifact{
			Source: versions.Reference{Host: source, Repository: repository, Tag: tag},
			Target: versions.Reference{Host: target, Repository: "mirror/" + repository, Tag: tag},
		})
	}
	return artifacts
}

// The in-process registry answers a mount with 202, so that this holds for registries
// that refuse mounts too: the source is still read once.
func TestCopySharesLayers(t *testing.T) {
	shared, err := random.Layer(3<<20, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	from, to := startRegistry(t), startRegistry(t)
	pushImages(t, from, "one", []v1.Layer{shared}, 3)
	pushImages(t, from, "two", []v1.Layer{shared}, 2)
	artifacts := append(artifactsOf(from, to, "one", 3), artifactsOf(from, to, "two", 2)...)

	var out, in registry.Traffic
	source := newClient(t, from, remote.Options{Traffic: &out, Side: registry.SideSource})
	target := newClient(t, to, remote.Options{Traffic: &in, Side: registry.SideTarget, Push: true})
	ends := registry.Endpoints{Source: func(string) (registry.Source, error) { return source, nil }, Target: target}

	plan, err := registry.NewPlan(context.Background(), ends, artifacts, registry.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := registry.Copy(context.Background(), ends, plan, registry.CopyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range report.Results {
		if result.Err != nil {
			t.Errorf("%s: %v", result.Target, result.Err)
		}
	}
	if report.BytesFetched != plan.BytesToMove {
		t.Errorf("fetched %d bytes, the plan says %d", report.BytesFetched, plan.BytesToMove)
	}
	if read, want := out.BytesRead.Load(), plan.BytesToMove; read > want+want/10 {
		t.Errorf("read %d bytes at the source for %d bytes of blobs", read, want)
	}
	if in.Requests.Load() == 0 {
		t.Error("no request counted at the target")
	}
	again, err := registry.NewPlan(context.Background(), ends, artifacts, registry.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range again.Artifacts {
		if a.State != registry.StatePresent {
			t.Errorf("%s is %s after the copy, want present (%v)", a.Target, a.State, a.Err)
		}
	}
}
