package comparing

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/install/inuse"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/registry/contrast"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// askRegistry is what the private registry has, one request an artifact.
func (c *comparing) askRegistry(ctx context.Context) ([]contrast.Item, error) {
	private, err := c.Clients.Target(ctx, false)
	if err != nil {
		return nil, err
	}
	artifacts := c.artifacts()
	private.Prepare(relocate.Repositories(artifacts))
	return c.held(ctx, private, func(i int) ref.Reference { return artifacts[i].Target }, func(int) bool { return true })
}

// askSource is what the registries have that the artifacts come from, or those that the settings put
// in their place.
func (c *comparing) askSource(ctx context.Context) ([]contrast.Item, error) {
	artifacts := c.artifacts()
	selected, err := c.Artifacts(c.Config.Registry)
	if err != nil {
		return nil, err
	}
	sources := c.SourcesOfOthers(artifacts, selected)
	var all []contrast.Item
	asked := map[string]bool{}
	for _, a := range artifacts {
		host := a.Source.Host
		if asked[host] {
			continue
		}
		asked[host] = true
		source, err := sources.Open(ctx, host)
		if err != nil {
			return nil, err
		}
		held, err := c.held(ctx, source,
			func(i int) ref.Reference { return artifacts[i].Source },
			func(i int) bool { return artifacts[i].Source.Host == host })
		if err != nil {
			return nil, err
		}
		all = append(all, held...)
	}
	if given := c.Config.Source.Host; given != "" && !asked[given] {
		c.Warn(fmt.Sprintf("%s was not asked: the artifacts come from %s, says the file", given, strings.Join(slices.Sorted(maps.Keys(asked)), ", ")))
	}
	return all, nil
}

// held asks a registry for those of the artifacts that are its own, by the names that it has for them.
func (c *comparing) held(ctx context.Context, registry holdings.Resolver, named func(int) ref.Reference, own func(int) bool) ([]contrast.Item, error) {
	var questions []holdings.Question
	var about []lock.Artifact
	for i, a := range c.wanted {
		if own(i) {
			questions, about = append(questions, holdings.Question{Ref: named(i)}), append(about, a)
		}
	}
	answers, err := holdings.Ask(ctx, registry, questions)
	if err != nil {
		return nil, err
	}
	var items []contrast.Item
	for i, answer := range answers {
		switch answer.Presence {
		case holdings.Missing:
		case holdings.Unknown:
			return nil, answer.Err
		default:
			item := itemOf(about[i])
			item.Ref, item.Digest, item.Attached = answer.Ref.String(), answer.Held.Digest.String(), nil
			items = append(items, item)
		}
	}
	return items, nil
}

// askCluster is what workloads, databases, and what users pick from refer to, of the repositories of
// the artifacts, by their names in the private registry and at the vendor's.
func (c *comparing) askCluster(ctx context.Context) ([]contrast.Item, error) {
	catalogue, err := c.Catalogue()
	if err != nil {
		return nil, err
	}
	reached, err := reaching.Connect(ctx, c.Session, c.Destination)
	if err != nil {
		return nil, err
	}
	referring, choices := traits.Referring(catalogue)
	images, err := inuse.Find(ctx, reached, inuse.Kinds{Referring: append(referring, choices...)}) // picked or not
	if err != nil {
		return nil, err
	}
	return used(images.Uses(), c.wanted, c.artifacts()), nil
}

// used sorts what a cluster refers to by the artifacts. A name without a digest says nothing where the
// same name is known with one.
func used(uses map[inuse.Use]string, wanted []lock.Artifact, artifacts []versions.Artifact) []contrast.Item {
	repositories := map[string]lock.Artifact{}
	digests := map[string]lock.Artifact{} // NAME@DIGEST
	for i, a := range wanted {
		for _, name := range []string{artifacts[i].Target.Canonical().Name(), a.Source.Canonical().Name()} {
			repositories[name] = a
			digests[name+"@"+a.Digest.String()] = a
		}
	}
	withDigest := map[ref.Reference]bool{}
	for use := range uses {
		if use.Digest != "" && use.Ref.Tag != "" {
			withDigest[use.Ref] = true
		}
	}
	var items []contrast.Item
	for use, who := range uses {
		in, ours := repositories[use.Ref.Name()]
		if !ours || use.Digest == "" && withDigest[use.Ref] {
			continue
		}
		tag := ":" + use.Ref.Tag
		if use.Ref.Tag == "" {
			tag = "@" + use.Digest
			if a, known := digests[use.Ref.Name()+tag]; known {
				in, tag = a, tagOf(a)
			}
		}
		at := use.Ref
		at.Digest = use.Digest
		items = append(items, contrast.Item{Key: keyOf(in, tag), Name: name(in) + tag, Ref: at.String(), Digest: use.Digest, By: who})
	}
	return items
}
