// Package pruning holds the use case that removes from the private registry what a lock says is ours
// and nobody wants any more.
package pruning

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/installing"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/prune"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Options are what pruning takes besides the settings.
type Options struct {
	// Lock is the file that says what is ours.
	Lock  string
	Place installing.Place
	// Yes deletes; without it what would be deleted is found out.
	Yes bool
	// IgnoreCluster does so although it is not known what a cluster uses.
	IgnoreCluster bool
}

// ClusterError says that a cluster is configured and does not tell what it uses, so that nothing was
// deleted.
type ClusterError struct{ Err error }

// Error is why it does not.
func (e *ClusterError) Error() string {
	return fmt.Sprintf("nothing is deleted, for what the cluster uses is not known: %v", e.Err)
}

// Unwrap returns why it does not.
func (e *ClusterError) Unwrap() error { return e.Err }

// Prune removes what the lock has and the selection does not want, or finds out what that is. Of
// products that are not selected, and of images that charts name besides, the selection says nothing,
// and they stay.
func Prune(ctx context.Context, s *relocate.Session, opts Options) (*prune.Plan, error) {
	p := &pruning{Session: s, Options: opts}
	err := relocate.Run(ctx,
		p.read,  // the lock
		p.sort,  // what of it is wanted
		p.ask,   // what the cluster uses
		p.plan,  // what else leads to it
		p.carry, // where that is wanted
	)
	return p.made, err
}

// pruning is a Prune that is under way.
type pruning struct {
	*relocate.Session
	Options

	lock *lock.Lock
	todo prune.Options
	made *prune.Plan
}

func (p *pruning) read(ctx context.Context) (err error) {
	p.lock, err = bundle.ReadLock(ctx, p.Lock)
	return exit.Misnamed(err)
}

// sort tells what is wanted from what is not.
func (p *pruning) sort(context.Context) error {
	selected, err := p.Artifacts(p.Config.Registry)
	if err != nil {
		return err
	}
	wanted, products := map[ref.Reference]bool{}, []string{}
	for _, a := range selected {
		wanted[a.Target] = true
		products = append(products, a.Product)
	}
	for i, a := range p.lock.ArtifactsFor(p.Config.Registry) {
		if host := p.lock.Artifacts[i].Target.Host; host != "" && ref.CanonicalHost(host) != ref.CanonicalHost(p.Config.Registry.Host) {
			return exit.Usagef("%s is a lock of %s, and not of %s", p.Options.Lock, host, p.Config.Registry.Host)
		}
		item := prune.Item{Ref: a.Target, Digest: p.lock.Artifacts[i].Digest}
		if wanted[a.Target] || a.Role == versions.RoleChartImage || !slices.Contains(products, a.Product) {
			p.todo.Wanted = append(p.todo.Wanted, item)
		} else {
			p.todo.Unwanted = append(p.todo.Unwanted, item)
		}
	}
	targets := p.lock.Targets(p.Config.Registry)[len(p.lock.Artifacts):]
	for i, attachment := range p.lock.Attachments {
		p.todo.Attachments = append(p.todo.Attachments, prune.Item{Ref: targets[i], Digest: attachment.Digest})
	}
	return nil
}

// ask asks the cluster, where one is configured, what it uses.
func (p *pruning) ask(ctx context.Context) error {
	if len(p.todo.Unwanted) == 0 {
		return nil
	}
	images, _, err := installing.InUse(ctx, p.Session, p.Place)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, cluster.ErrNoKubeconfig):
		p.Note("there is no kubeconfig: no cluster was asked what it uses")
		return nil
	case err != nil && p.IgnoreCluster:
		p.Warn(fmt.Sprintf("what the cluster uses is not known: %v", err))
		return nil
	case err != nil:
		return &ClusterError{err}
	}
	p.todo.InUse = func(at ref.Reference, digest v1.Hash) string { return images.By(at, digest.String()) }
	return nil
}

func (p *pruning) plan(ctx context.Context) error {
	private, err := p.Clients.Target(ctx, false)
	if err != nil {
		return err
	}
	p.todo.Target = private
	p.made, err = prune.New(ctx, p.todo)
	return err
}

func (p *pruning) carry(ctx context.Context) error {
	if !p.Yes {
		return nil
	}
	return p.made.Carry(ctx)
}
