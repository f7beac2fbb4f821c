// Package pruning holds the use case that removes from the private registry what a lock says is ours
// and nobody wants any more.
package pruning

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/locking"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/inuse"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/prune"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Options are what pruning takes besides the settings, whose lock says what is ours.
type Options struct {
	// Keep are files with locks of the same registry whose artifacts stay: those of other selections.
	Keep        []string
	Destination reaching.Destination
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

// Prune removes what the lock has and the selection does not want, or finds out what that is, and takes
// out of the lock what is not at the target any more. Of products that are not selected, and of images that
// charts name besides, the selection says nothing: they stay, unless the lock has them as retired.
func Prune(ctx context.Context, s *relocate.Session, opts Options) (*prune.Plan, error) {
	p := &pruning{Session: s, Options: opts}
	defer func() { p.file.Close() }()
	err := relocate.Run(ctx,
		p.read,    // the lock
		p.sort,    // what of it is wanted
		p.confine, // whether it may choose the rest
		p.keep,    // what other locks want
		p.ask,     // what the cluster uses
		p.plan,    // what else leads to it
		p.carry,   // where that is wanted
	)
	return p.made, err
}

// pruning is a Prune that is under way.
type pruning struct {
	*relocate.Session
	Options

	file    *locking.File
	sources map[ref.Reference]ref.Reference // by target
	todo    prune.Options
	made    *prune.Plan
}

func (p *pruning) read(ctx context.Context) (err error) {
	if p.Config.Lock == config.NoLock {
		return exit.Usagef("prune needs a lock: nothing else says what was put there by us")
	}
	mode := locking.Read
	if p.Yes {
		mode = locking.Write
	}
	p.file, err = locking.OpenRecord(ctx, p.Session, mode)
	return err
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
	was := p.file.Was
	p.sources = map[ref.Reference]ref.Reference{}
	for i, a := range was.ArtifactsFor(p.Config.Registry) {
		p.sources[a.Target] = a.Source
		item := prune.Item{Ref: a.Target, Digest: was.Artifacts[i].Digest}
		beyond := a.Role == versions.RoleChartImage || !slices.Contains(products, a.Product)
		if wanted[a.Target] || beyond && !was.Artifacts[i].Retired {
			p.todo.Wanted = append(p.todo.Wanted, item)
		} else {
			p.todo.Unwanted = append(p.todo.Unwanted, item)
		}
	}
	targets := was.Targets(p.Config.Registry)[len(was.Artifacts):]
	for i, attachment := range was.Attachments {
		p.todo.Attachments = append(p.todo.Attachments, prune.Item{Ref: targets[i], Digest: attachment.Digest})
	}
	return nil
}

// confine refuses a lock that would have something removed outside of the products' folders: who wrote
// it, or put it into this folder, chose what it names. Below a path that the user has named all is.
func (p *pruning) confine(context.Context) error {
	folders, err := p.Folders()
	if err != nil || p.Config.Registry.Path != "" {
		return err
	}
	unwanted := map[ref.Reference]bool{}
	for _, item := range p.todo.Unwanted {
		unwanted[item.Ref] = true
	}
	outside := p.file.Was.Keep(func(a lock.Artifact) bool {
		a.Target.Host = p.Config.Registry.Host
		return unwanted[a.Target]
	}).Outside(folders)
	if len(outside) == 0 {
		return nil
	}
	path := cmp.Or(p.Config.Lock, config.LocalLock)
	return &exit.UsageError{Err: &locking.LockError{Path: path, Err: fmt.Errorf("%w: %s", locking.ErrOutside, outside[0])}}
}

// keep has all stay that other locks of the registry want.
func (p *pruning) keep(ctx context.Context) error {
	for _, path := range p.Keep {
		other, err := locking.ReadRecord(ctx, path, p.Config.Registry)
		if err != nil {
			return err
		}
		kept := map[ref.Reference]bool{}
		for i, a := range other.ArtifactsFor(p.Config.Registry) {
			if !other.Artifacts[i].Retired {
				kept[a.Target] = true
				p.todo.Wanted = append(p.todo.Wanted, prune.Item{Ref: a.Target, Digest: other.Artifacts[i].Digest})
			}
		}
		before := len(p.todo.Unwanted)
		p.todo.Unwanted = slices.DeleteFunc(p.todo.Unwanted, func(i prune.Item) bool { return kept[i.Ref] })
		p.Note("%s wants %s of it", path, output.Count(before-len(p.todo.Unwanted), "artifact"))
	}
	return nil
}

// ask asks the cluster, where one is configured, what it uses.
func (p *pruning) ask(ctx context.Context) error {
	if len(p.todo.Unwanted) == 0 {
		return nil
	}
	images, _, err := reaching.InUse(ctx, p.Session, p.Destination)
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
	p.todo.InUse = func(at ref.Reference, digest v1.Hash) string { return p.user(images, at, digest) }
	p.todo.OfferedBy = func(at ref.Reference, digest v1.Hash) string { return images.OfferedBy(at, digest.String()) }
	return nil
}

// user is who in the cluster needs an image. It may name the vendor's, and its nodes be told to fetch that
// here.
func (p *pruning) user(images *inuse.Usage, at ref.Reference, digest v1.Hash) string {
	if who := images.By(at, digest.String()); who != "" {
		return who
	}
	source, known := p.sources[at]
	if !known {
		return ""
	}
	who := images.By(source, digest.String())
	if who != "" {
		who += ", by the name " + source.String() + ","
	}
	return who
}

func (p *pruning) plan(ctx context.Context) error {
	private, err := p.Clients.Target(ctx, p.Yes)
	if err != nil {
		return err
	}
	p.todo.Target = private
	p.made, err = prune.New(ctx, p.todo)
	return exit.Unanswered(err)
}

// carry deletes, and takes out of the lock what is gone then, whatever else has failed.
func (p *pruning) carry(ctx context.Context) error {
	if !p.Yes {
		return nil
	}
	err := p.made.Carry(ctx)
	return cmp.Or(err, p.record())
}

func (p *pruning) record() error {
	if p.file.Path == "" || len(p.made.Pruned()) == 0 {
		return nil
	}
	gone := map[ref.Reference]bool{}
	for _, item := range p.made.Pruned() {
		gone[item.Ref] = true
	}
	var at int
	targets := p.file.Was.ArtifactsFor(p.Config.Registry)
	now := p.file.Was.Keep(func(lock.Artifact) bool { at++; return !gone[targets[at-1].Target] })
	if err := p.file.Replace(now); err != nil {
		return err
	}
	p.Note("took %s out of %s", output.Count(len(gone), "artifact"), p.file.Path)
	return nil
}
