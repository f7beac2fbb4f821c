// Package comparing holds the use case that compares what two sides have: locks, bundles, registries
// and a cluster.
package comparing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/contrast"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// What names a side that is no file.
const (
	Source   = "source:"
	Registry = "registry:"
	Cluster  = "cluster:"
)

// Options are what a comparison takes besides the settings.
type Options struct {
	// First and Second are files, or Source, Registry or Cluster.
	First, Second string
	Destination   reaching.Destination
}

// Result is what came of a comparison.
type Result struct {
	First, Second string
	contrast.Result
}

// Compare compares two sides. A registry, or a cluster, is asked about what the other side names,
// where that is a file, and about the selection otherwise.
func Compare(ctx context.Context, s *relocate.Session, opts Options) (*Result, error) {
	c := &comparing{Session: s, Options: opts}
	err := relocate.Run(ctx,
		c.check, // that there is something to compare
		c.read,  // files
		c.want,  // what the other side is asked about
		c.ask,   // it
	)
	if err != nil {
		return nil, err
	}
	part := opts.First == Cluster || opts.Second == Cluster
	files := c.locks[0] != nil && c.locks[1] != nil
	return &Result{opts.First, opts.Second, contrast.Compare(c.items[0], c.items[1], contrast.Options{
		Part: part, First: opts.First == Cluster, WithAttached: files,
	})}, nil
}

// comparing is a Compare that is under way.
type comparing struct {
	*relocate.Session
	Options
	locks  [2]*lock.Lock // nil where a side is no file
	wanted []lock.Artifact
	items  [2][]contrast.Item
}

// NeedsRegistry tells whether it has to be known which private registry is meant.
func (o Options) NeedsRegistry() bool {
	return o.First == Registry || o.First == Cluster || o.Second == Registry || o.Second == Cluster
}

// isPlace tells whether a side is no file.
func isPlace(name string) bool { return name == Source || name == Registry || name == Cluster }

func (c *comparing) check(context.Context) error {
	if c.First == c.Second && isPlace(c.First) {
		return exit.Usagef("%s is the same as itself", c.First)
	}
	return nil
}

func (c *comparing) read(ctx context.Context) error {
	for i, name := range []string{c.First, c.Second} {
		if isPlace(name) {
			continue
		}
		found, err := bundle.ReadLock(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return notASide(name, err)
		}
		if err != nil {
			return err
		}
		found.Settle(c.Config.Registry.Path)
		c.locks[i] = found
		for _, a := range found.Artifacts {
			c.items[i] = append(c.items[i], itemOf(a))
		}
	}
	return nil
}

// NotASideError is a side that is neither a file nor a place.
type NotASideError struct {
	// Place is Source, Registry or Cluster where the name begins with it, and Rest what follows.
	Place, Rest string
	// Host is the registry's, where the name may be that of one.
	Host string
	Err  error
}

// Error says what is wrong with the name.
func (e *NotASideError) Error() string {
	if e.Place != "" {
		return fmt.Sprintf("%s stands alone, and %q after it is not read", e.Place, e.Rest)
	}
	return e.Err.Error()
}

// Unwrap returns that there is no such file.
func (e *NotASideError) Unwrap() error { return e.Err }

// notASide says what is wrong with a name of which there is no file: often somebody has said with a place
// which one it is.
func notASide(name string, err error) error {
	if isPlace(strings.ToLower(name) + ":") {
		return exit.Usagef("there is no file %s; did you mean %s:?", name, strings.ToLower(name))
	}
	wrong := &NotASideError{Err: err}
	for _, place := range []string{Source, Registry, Cluster} {
		if len(name) > len(place) && strings.EqualFold(name[:len(place)], place) {
			wrong.Place, wrong.Rest = place, name[len(place):]
		}
	}
	if folder, err := ref.ParseFolder(name); err == nil && mayBeRegistry(folder) {
		wrong.Host = folder.Host
	}
	return wrong
}

// mayBeRegistry tells a registry from the name of a file, which may well have a dot in it.
func mayBeRegistry(folder ref.Folder) bool {
	return strings.Contains(folder.Host, ":") || strings.Contains(folder.Host, ".") && folder.Path != ""
}

// want finds out what a place is asked about.
func (c *comparing) want(context.Context) error {
	for _, found := range c.locks {
		if found != nil {
			c.wanted = found.Artifacts
			return c.comparable(found)
		}
	}
	selected, err := c.Artifacts(c.Config.Registry)
	if err != nil {
		return err
	}
	catalogue, err := c.Catalogue()
	if err != nil {
		return err
	}
	for _, a := range selected {
		base := c.Config.Registry.Path
		if product, err := catalogue.Product(a.Product); err == nil && base == "" {
			base = product.Target
		}
		c.wanted = append(c.wanted, lock.Artifact{Artifact: a, Base: base})
	}
	return nil
}

// comparable refuses a source that has other digests by design.
func (c *comparing) comparable(was *lock.Lock) error {
	if c.First != Source && c.Second != Source || was.Selection == nil {
		return nil
	}
	if form := was.Selection.Index; len(was.Selection.Platforms) > 0 && form != "whole" && form != "sparse" {
		return exit.Usagef("the lock has single platforms of the source's images, which have digests of their own").
			WithHint("a plan that asks the source compares those")
	}
	return nil
}

// ask asks the places.
func (c *comparing) ask(ctx context.Context) (err error) {
	for i, name := range []string{c.First, c.Second} {
		switch name {
		case Source:
			c.items[i], err = c.askSource(ctx)
		case Registry:
			c.items[i], err = c.askRegistry(ctx)
		case Cluster:
			c.items[i], err = c.askCluster(ctx)
		}
		if err != nil {
			return fmt.Errorf("comparing with %s %w", name, err)
		}
	}
	return nil
}

// artifacts are those that a place is asked about, with their targets in the private registry.
func (c *comparing) artifacts() []versions.Artifact {
	return (&lock.Lock{Artifacts: c.wanted}).ArtifactsFor(c.Config.Registry)
}

// itemOf is a locked artifact as all sides call it: without the registry and the folder in it.
func itemOf(a lock.Artifact) contrast.Item {
	item := contrast.Item{Key: keyOf(a, tagOf(a)), Name: name(a) + tagOf(a), Ref: a.Target.String(), Digest: a.Digest.String()}
	if a.Digest.Hex == "" {
		item.Digest = ""
	}
	for _, digest := range a.Attachments {
		item.Attached = append(item.Attached, digest.String())
	}
	return item
}

// name is the target's repository below the folder that users may replace.
func name(a lock.Artifact) string { return strings.TrimPrefix(a.Target.Repository, a.Base+"/") }

func tagOf(a lock.Artifact) string {
	if a.Target.Tag == "" {
		return "@" + a.Target.Digest
	}
	return ":" + a.Target.Tag
}

func keyOf(a lock.Artifact, tag string) string { return a.Product + " " + name(a) + tag }
