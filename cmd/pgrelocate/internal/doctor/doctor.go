// Package doctor is what `pgrelocate doctor` does: it examines both sides of a copy and the cluster,
// all at once, and puts a remedy beside everything that is not well.
//
//	report, err := doctor.Examine(ctx, session, doctor.Options{Destination: place})
package doctor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/checkup"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// The sides that are examined.
const (
	Source  = string(registry.SideSource)
	Target  = string(registry.SideTarget)
	Cluster = "cluster"
)

// Sides lists them in the order of the flow.
func Sides() []string { return []string{Source, Target, Cluster} }

// Options steer Examine.
type Options struct {
	// Only are the sides to examine; none is all.
	Only        []string
	Destination reaching.Destination
	// Namespaces need the pull secret besides those that have databases.
	Namespaces []string
	// Write is how far the target may be written to.
	Write checkup.Depth
	// Told is told what is going to be written before it is.
	Told func(string)
	// Timeout bounds each probe.
	Timeout time.Duration
}

// Entry is a finding with where it was found, and what could be done.
type Entry struct {
	// Side is one of Sides, and Host the registry or API server; empty where there is none.
	Side, Host string
	finding.Finding
	// Fix is a line that says what to do; empty where there is nothing to do, or nobody knows.
	Fix string
}

// Findings are what Examine has found.
type Findings struct{ Entries []Entry }

// Count is how many findings have a status.
func (r *Findings) Count(status finding.Status) int {
	n := 0
	for _, entry := range r.Entries {
		if entry.Status == status {
			n++
		}
	}
	return n
}

// Examine examines all sides at once. Its error is for what keeps it from beginning, such as a
// selection that does not exist, and for a context that ended; what was found until then is in the
// report.
func Examine(ctx context.Context, session *relocate.Session, opts Options) (*Findings, error) {
	e := &examination{Session: session, Options: opts, platforms: map[string][]v1.Platform{}}
	var err error
	if e.product, err = session.Product(); err != nil {
		return &Findings{}, err
	}
	e.Destination = opts.Destination.Of(e.product)
	if e.artifacts, err = session.Artifacts(session.Config.Registry); err != nil {
		return &Findings{}, err
	}
	slices.SortStableFunc(e.artifacts, relocate.Order)
	err = e.run(ctx)
	return e.report(), err
}

// examination is an Examine that is under way.
type examination struct {
	*relocate.Session
	Options
	product   *versions.Product
	artifacts []versions.Artifact

	mu                     sync.Mutex
	source, target, inside []Entry
	// platforms are those of images that were found on any side.
	platforms map[string][]v1.Platform
}

func (e *examination) wants(side string) bool {
	return len(e.Only) == 0 || slices.Contains(e.Only, side)
}

func (e *examination) report() *Findings {
	return &Findings{Entries: slices.Concat(e.source, e.target, e.inside)}
}

// run looks at both registries at once, and at the cluster once it is known what images are for.
func (e *examination) run(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	if e.wants(Source) {
		group.Go(func() error { return e.sources(running) })
	}
	if e.wants(Target) {
		group.Go(func() error { return e.privateRegistry(running) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if !e.wants(Cluster) {
		return nil
	}
	return e.cluster(ctx)
}

// sources looks at every registry that artifacts come from.
func (e *examination) sources(ctx context.Context) error {
	var hosts []string
	for _, a := range e.artifacts {
		if a.ChartURL == "" && !slices.Contains(hosts, a.Source.Host) {
			hosts = append(hosts, a.Source.Host)
		}
	}
	owner := relocate.OwnerOfCredentials(e.Config, e.artifacts)
	results := make([][]Entry, len(hosts))
	group, running := errgroup.WithContext(ctx)
	for i, host := range hosts {
		group.Go(func() (err error) {
			var references []ref.Reference
			for _, a := range e.artifacts {
				if a.Source.Host == host && a.ChartURL == "" {
					references = append(references, a.Source)
				}
			}
			results[i], err = e.registry(running, registry.SideSource, host, owner, references)
			return err
		})
	}
	err := group.Wait()
	e.source = slices.Concat(results...)
	for _, a := range e.artifacts {
		if a.ChartURL != "" {
			e.source = append(e.source, Entry{Side: Source, Finding: named("chart repository",
				finding.Skipf("%s is no registry, and was not asked", a.ChartURL))})
		}
	}
	return err
}

func named(probe string, found finding.Finding) finding.Finding {
	found.Probe = probe
	return found
}

func (e *examination) privateRegistry(ctx context.Context) (err error) {
	if e.Config.Registry.IsZero() {
		found := finding.Skipf("no private registry is named")
		found.Remedy = nameRegistry
		e.target = []Entry{e.entry(Target, "", "", named("registry", found))}
		return nil
	}
	var references []ref.Reference
	for _, a := range e.artifacts {
		references = append(references, a.Target)
	}
	e.target, err = e.registry(ctx, registry.SideTarget, e.Config.Registry.Host, "", references)
	return err
}

// registry looks at one registry.
func (e *examination) registry(ctx context.Context, side registry.Side, host, owner string, references []ref.Reference) ([]Entry, error) {
	recorder := new(checkup.Recorder)
	if side == registry.SideTarget {
		owner = host
	}
	client, login, err := e.Clients.Examining(ctx, side, host, owner, recorder.See)
	if err != nil {
		return nil, err
	}
	result, err := checkup.Run(ctx, checkup.Options{
		Client: client, Recorder: recorder, Side: side, References: telling(references), Login: login,
		Public: side == registry.SideSource && e.Config.Source.IsZero(), Requests: len(references),
		Write: e.Write, Told: e.Options.Told, Timeout: e.Timeout,
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	for at, platforms := range result.Platforms {
		if len(platforms) > 0 {
			e.platforms[at.String()] = platforms
		}
	}
	var entries []Entry
	for _, found := range result.Findings {
		entries = append(entries, e.entry(string(side), host, result.Vendor, found))
	}
	return entries, err
}

// telling puts one reference of each repository before the others: one tells enough of it.
func telling(references []ref.Reference) []ref.Reference {
	var first, others []ref.Reference
	seen := map[string]bool{}
	for _, reference := range references {
		if seen[reference.Repository] {
			others = append(others, reference)
			continue
		}
		seen[reference.Repository] = true
		first = append(first, reference)
	}
	return append(first, others...)
}

// noCluster says why the cluster was not looked at.
func (e *examination) noCluster(err error) error {
	switch {
	case errors.Is(err, cluster.ErrNoKubeconfig):
		e.inside = []Entry{{Side: Cluster, Finding: named("API server", finding.Skipf("there is no kubeconfig"))}}
		return nil
	case errors.Is(err, cluster.ErrNoCluster), errors.Is(err, cluster.ErrDenied):
		e.inside = []Entry{e.entry(Cluster, "", "", named("API server", finding.Failure(err)))}
		return nil
	}
	return err
}
