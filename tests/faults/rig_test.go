package faults_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	// layerSize is large enough to break at several places, and not to fit socket buffers.
	layerSize = 24 * mib
	// overhead is what manifests, configs, tag lists and errors may come to.
	overhead = 128 * kib
)

// side is a registry behind faults.
type side struct {
	*registrytest.Registry // what clients talk to
	behind                 *registrytest.Registry
	counter                *registrytest.Counter
	opts                   remote.Options
	chunkSize              int64
}

// newSide puts faults before a registry. What they do is counted as clients see it.
func newSide(t *testing.T, behind *registrytest.Registry, faults ...registrytest.Middleware) *side {
	t.Helper()
	counter := &registrytest.Counter{}
	wrap := append([]registrytest.Middleware{counter.Wrap}, faults...)
	return &side{Registry: registrytest.Front(t, behind, wrap...), behind: behind, counter: counter}
}

// rig is a copy between two sides.
type rig struct {
	source, target *side
	copyOptions    transfer.Options
	planOptions    plan.Options
	sourceTraffic  registry.Traffic
	targetTraffic  registry.Traffic
	journal        string // the folder where open uploads are noted; empty notes none
}

// client is patient enough for a busy machine and impatient enough for a test.
func (s *side) client(t *testing.T, as registry.Side, traffic *registry.Traffic) *remote.Client {
	t.Helper()
	opts := s.opts
	opts.Side, opts.Push, opts.Traffic = as, as == registry.SideTarget, traffic
	opts.Keychain, opts.CAFile, opts.CertsDirs = s.Keychain(), s.CAFile, []string{}
	if opts.StallTimeout == 0 {
		opts.StallTimeout = 10 * time.Second
	}
	opts.Notice = func(line string) {
		t.Log(line)
		if s.opts.Notice != nil {
			s.opts.Notice(line)
		}
	}
	client, err := remote.New(s.Host, opts)
	if err != nil {
		t.Fatal(err)
	}
	client.ChunkSize(s.chunkSize)
	t.Cleanup(client.Close)
	return client
}

func (r *rig) endpoints(t *testing.T) registry.Endpoints {
	t.Helper()
	source := r.source.client(t, registry.SideSource, &r.sourceTraffic)
	target := r.target.client(t, registry.SideTarget, &r.targetTraffic)
	if r.journal != "" {
		target.KeepUploads(journalIn(t, r.journal))
	}
	return registry.Endpoints{
		Source: func(string) (registry.Source, error) { return source, nil },
		Target: target,
	}
}

// copy plans and copies the artifacts, named REPOSITORY:TAG, and returns what became of
// each.
func (r *rig) copy(ctx context.Context, t *testing.T, names ...name) *transfer.Tally {
	t.Helper()
	ends := r.endpoints(t)
	plan, err := plan.New(ctx, ends, r.artifacts(names), r.planOptions)
	if err != nil {
		t.Fatalf("NewPlan: %v", err)
	}
	report, err := transfer.Copy(ctx, ends, plan, r.copyOptions)
	if err != nil {
		t.Fatalf("Copy: %v", err)
	}
	return report
}

// name is an artifact's repository and tag, the same on both sides.
type name struct{ repository, tag string }

func (n name) String() string { return n.repository + ":" + n.tag }

func (r *rig) artifacts(names []name) []versions.Artifact {
	return artifactsBetween(r.source.Host, r.target.Host, names)
}

func artifactsBetween(source, target string, names []name) []versions.Artifact {
	var list []versions.Artifact
	for _, n := range names {
		list = append(list, versions.Artifact{
			Product: "faults", Release: "v1", Role: versions.RoleOperator,
			Source: ref.Reference{Host: source, Repository: n.repository, Tag: n.tag},
			Target: ref.Reference{Host: target, Repository: n.repository, Tag: n.tag},
		})
	}
	return list
}

// push puts an image of the layers into the source, past its faults.
func (r *rig) push(t *testing.T, n name, layers ...v1.Layer) {
	t.Helper()
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layers...)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Author = n.String() // no two configs are the same blob
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	r.source.behind.Push(t, n.String(), image)
}

func newLayer(t *testing.T, size int) v1.Layer {
	t.Helper()
	content := make([]byte, size)
	_, _ = rand.Read(content)
	return static.NewLayer(content, types.OCILayer)
}

// arrived checks that the target, asked past its faults, has each artifact down to the
// last byte and under the source's digest.
func (r *rig) arrived(t *testing.T, names ...name) {
	t.Helper()
	there := r.target.behind.Contents(t)
	for _, n := range names {
		if got, want := there[n.String()], r.source.behind.Digest(t, n.String()).String(); got != want {
			t.Errorf("target has %s as %q, want %s", n, got, want)
		}
	}
}

// succeeded checks that a report knows no failure.
func succeeded(t *testing.T, report *transfer.Tally) {
	t.Helper()
	for _, result := range report.Results {
		if result.Err != nil {
			t.Errorf("copying %s: %v", result.Target, result.Err)
		}
	}
}

// moved checks the bytes on both wires: what is ideal, and extra at most.
func (r *rig) moved(t *testing.T, ideal, extraRead, extraSent int64) {
	t.Helper()
	read, sent := r.source.counter.Counts(), r.target.counter.Counts()
	t.Logf("source: %v\ntarget: %v", read, sent)
	check := func(what string, got, extra int64) {
		if most := ideal + extra + overhead; got < ideal || got > most {
			t.Errorf("%s %s, want %s and at most %s more", what, mibs(got), mibs(ideal), mibs(extra))
		}
	}
	check("read from the source", read.BytesSent, extraRead)
	check("sent to the target", sent.BytesReceived, extraSent)
}

func mibs(n int64) string { return fmt.Sprintf("%.2f MiB", float64(n)/mib) }

// onlyError returns the error of a report's only artifact, which must have failed.
func onlyError(t *testing.T, report *transfer.Tally) error {
	t.Helper()
	if len(report.Results) != 1 || report.Results[0].Err == nil || report.Failed != 1 {
		t.Fatalf("report = %+v, want one artifact that failed", report)
	}
	return report.Results[0].Err
}

// wantError checks an error: the side that it blames, unless that is empty, what it says,
// and the cause that advice comes from, unless that is nil.
func wantError(t *testing.T, err error, side registry.Side, text string, cause error) {
	t.Helper()
	var named *registry.Error
	switch {
	case !errors.As(err, &named):
		t.Errorf("error = %v, want a registry.Error that says %q", err, text)
	case side != "" && named.Side != side:
		t.Errorf("error blames the %s, want %s: %v", named.Side, side, err)
	case !strings.Contains(err.Error(), text):
		t.Errorf("error = %v, want it to say %q", err, text)
	case cause != nil && !errors.Is(err, cause):
		t.Errorf("error = %v, want its cause to be %v", err, cause)
	}
}

// nothingArrived checks that the target has no tag at all.
func (r *rig) nothingArrived(t *testing.T) {
	t.Helper()
	if there := r.target.behind.Contents(t); len(there) != 0 {
		t.Errorf("target has %v, want no tag", there)
	}
}
