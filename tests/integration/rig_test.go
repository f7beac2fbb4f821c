package integration_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Accounts of the registries.
var (
	vendorAccount  = registrytest.Account{Username: "vendor-user", Password: "vendor-token"}
	privateAccount = registrytest.Account{Username: "private-user", Password: "private-token"}
)

// side is one registry of a copy as a client sees it, with a counter before the registry.
type side struct {
	*registrytest.Registry
	counter *registrytest.Counter
	// account is what the client logs in with; the registry's own first one by default.
	account *registrytest.Account
	// certsDir, where it is set, tells the client of the registry's authority in docker's
	// way instead of by a file.
	certsDir string
}

// newSide puts a counter before a registry, and further handlers before that.
func newSide(t *testing.T, behind *registrytest.Registry, wrap ...registrytest.Middleware) *side {
	t.Helper()
	counter := &registrytest.Counter{}
	return &side{Registry: registrytest.Front(t, behind, append(wrap, counter.Wrap)...), counter: counter}
}

// client is a new client of the side, as a new run of the program has it.
func (s *side) client(t *testing.T, which registry.Side, opts remote.Options) *remote.Client {
	t.Helper()
	opts.Side = which
	opts.Push = which == registry.SideTarget
	opts.CAFile = s.CAFile
	opts.CertsDirs = []string{t.TempDir()} // not those of the machine
	if s.certsDir != "" {
		opts.CAFile, opts.CertsDirs = "", []string{s.certsDir}
	}
	opts.Keychain = s.keychain()
	client, err := remote.New(s.Host, opts)
	if err != nil {
		t.Fatalf("remote.New(%s): %v", s.Host, err)
	}
	t.Cleanup(client.Close)
	return client
}

// tokens is how many tokens the side has issued.
func (s *side) tokens() int {
	if s.Tokens == nil {
		return 0
	}
	return s.Tokens.Issued()
}

func (s *side) keychain() authn.Keychain {
	if s.account != nil {
		return registrytest.Keychain{s.Host: *s.account}
	}
	return s.Keychain()
}

// rig is a source and a target.
type rig struct {
	source, target *side
}

// ends are new clients of both sides.
func (r *rig) ends(t *testing.T) registry.Endpoints {
	t.Helper()
	source := r.source.client(t, registry.SideSource, remote.Options{})
	return registry.Endpoints{
		Source: func(host string) (registry.Source, error) {
			if host != r.source.Host {
				return nil, fmt.Errorf("source of %s wanted, want %s", host, r.source.Host)
			}
			return source, nil
		},
		Target: r.target.client(t, registry.SideTarget, remote.Options{}),
	}
}

// artifacts is a selection of the catalogue with the rig's two sides.
func (r *rig) artifacts(t *testing.T, s versions.Selection) []versions.Artifact {
	t.Helper()
	s.Source = ref.Folder{Host: r.source.Host}
	s.Target = ref.Folder{Host: r.target.Host}
	artifacts, err := versions.Select(catalogue.Builtin(), s)
	if err != nil {
		t.Fatal(err)
	}
	return artifacts
}

// copy plans and copies with one pair of clients, as the program does.
func (r *rig) copy(ctx context.Context, t *testing.T, artifacts []versions.Artifact, opts plan.Options) (*plan.Plan, *transfer.Tally, error) {
	t.Helper()
	ends := r.ends(t)
	plan, err := plan.New(ctx, ends, artifacts, opts)
	if err != nil {
		return nil, nil, err
	}
	report, err := transfer.Copy(ctx, ends, plan, transfer.Options{TempDir: t.TempDir()})
	return plan, report, err
}

// mustCopy copies everything and fails the test where anything fails.
func (r *rig) mustCopy(t *testing.T, artifacts []versions.Artifact, opts plan.Options) (*plan.Plan, *transfer.Tally) {
	t.Helper()
	plan, report, err := r.copy(t.Context(), t, artifacts, opts)
	if err != nil {
		t.Fatalf("copying: %v", err)
	}
	for _, result := range report.Results {
		if result.Err != nil {
			t.Errorf("%s: %v", result.Target, result.Err)
		}
	}
	return plan, report
}

// resetCounts starts counting anew on both sides.
func (r *rig) resetCounts() {
	r.source.counter.Reset()
	r.target.counter.Reset()
}

// wantSame checks that the target holds the artifacts with the source's digests, and
// that every tag it has can be pulled.
func (r *rig) wantSame(t *testing.T, artifacts []versions.Artifact) {
	t.Helper()
	source, target := r.source.Contents(t), r.target.Contents(t)
	for _, a := range artifacts {
		want := source[a.Source.Repository+":"+a.Source.Tag]
		if got := target[a.Target.Repository+":"+a.Target.Tag]; got != want {
			t.Errorf("%s holds %q, want the source's %q", a.Target, got, want)
		}
	}
	if len(target) != len(artifacts) {
		t.Errorf("the target has %d tags, want %d", len(target), len(artifacts))
	}
}
