package checkup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// CreateRepositories: they have to be there before something is pushed.
const CreateRepositories finding.Remedy = "repositories"

// Bounds of what is looked at.
const (
	mostReferences   = 3
	mostRepositories = 40
	mostConfig       = 1 << 20
)

// sample is a reference that was found, with the blobs of one image below it.
type sample struct {
	ref.Reference
	blobs []v1.Descriptor
}

func (e *examination) reading() []finding.Probe {
	e.Client.Prepare(e.repositories())
	var probes []finding.Probe
	for _, reference := range e.References[:min(mostReferences, len(e.References))] {
		probes = append(probes, e.unless("pull", func(ctx context.Context) finding.Finding { return e.pull(ctx, reference) }))
	}
	if e.Side == registry.SideTarget {
		probes = append(probes, e.unless("repositories", e.listRepositories))
	}
	return probes
}

// pull reads a manifest, and the smallest blob below it.
func (e *examination) pull(ctx context.Context, at ref.Reference) finding.Finding {
	top, err := e.Client.Manifest(ctx, at.Repository, at.Tag)
	switch {
	case errors.Is(err, registry.ErrNotFound) && e.Side == registry.SideTarget:
		return finding.Okf("%s is not there yet; the registry lets us ask", at)
	case err != nil:
		found := finding.Failure(err)
		found.Says = fmt.Sprintf("%s: %s", at, essence(err))
		return found
	}
	platforms, blobs, err := e.below(ctx, at.Repository, top)
	if err != nil {
		found := finding.Failure(err)
		found.Says = fmt.Sprintf("%s has a manifest, and what it names cannot be read: %s", at, essence(err))
		return found
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.result.Platforms[at] = platforms
	e.images = append(e.images, sample{at, blobs})
	return finding.Okf("%s can be read", at)
}

// below reads the config of an image, or of an index's first one.
func (e *examination) below(ctx context.Context, repository string, top oci.Manifest) (platforms []v1.Platform, blobs []v1.Descriptor, err error) {
	links, err := oci.Parse(top)
	if err != nil {
		return nil, nil, err
	}
	for _, child := range links.Manifests {
		if p := child.Platform; p != nil && p.OS != "unknown" {
			platforms = append(platforms, *p)
		}
	}
	if len(links.Manifests) > 0 {
		child, err := e.Client.Manifest(ctx, repository, links.Manifests[0].Digest.String())
		if err != nil {
			return nil, nil, err
		}
		if links, err = oci.Parse(child); err != nil {
			return nil, nil, err
		}
	}
	if links.Config == nil || links.Config.Size > mostConfig {
		return platforms, links.Needs(), nil
	}
	content, err := e.Client.Blob(ctx, repository, *links.Config, 0, links.Config.Size)
	if err != nil {
		return nil, nil, err
	}
	defer content.Close()
	text, err := io.ReadAll(io.LimitReader(content, mostConfig))
	if err != nil {
		return nil, nil, err
	}
	var config struct{ OS, Architecture, Variant string }
	if json.Unmarshal(text, &config) == nil && config.Architecture != "" && len(platforms) == 0 {
		platforms = []v1.Platform{{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}}
	}
	return platforms, links.Needs(), nil
}

// listRepositories finds out which repositories are there.
func (e *examination) listRepositories(ctx context.Context) finding.Finding {
	all := e.repositories()
	all = all[:min(mostRepositories, len(all))]
	known := make([]error, len(all))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, repository := range all {
		group.Go(func() error {
			_, known[i] = e.Client.Tags(asking, repository)
			return nil
		})
	}
	_ = group.Wait() // nothing fails
	for i, err := range known {
		switch {
		case err == nil:
			e.there = append(e.there, all[i])
		case errors.Is(err, registry.ErrNotFound):
			e.absent = append(e.absent, all[i])
		default:
			found := finding.Failure(err)
			found.Says = fmt.Sprintf("listing the tags of %s: %s", all[i], essence(err))
			if e.Side == registry.SideTarget && !errors.Is(err, registry.ErrUnauthorized) && ctx.Err() == nil {
				// Some say so of repositories that are not there, whoever asks.
				found.Status = finding.Warning
			}
			return found
		}
	}
	if len(e.absent) > 0 && e.vendor() == ECR {
		found := finding.Warnf(CreateRepositories, "%s not there, and this registry makes none on push unless a template allows it", count(e.absent, len(all)))
		found.About = e.absent
		return found
	}
	if len(e.absent) > 0 {
		return finding.Okf("%s not there yet", count(e.absent, len(all)))
	}
	return finding.Okf("all %d are there", len(all))
}

// count is how many of all repositories these are, and which.
func count(some []string, of int) string {
	const shown = 3
	text := strings.Join(some[:min(shown, len(some))], ", ")
	if len(some) > shown {
		text += ", …"
	}
	are := "are"
	if len(some) == 1 {
		are = "is"
	}
	return fmt.Sprintf("%d of %d (%s) %s", len(some), of, text, are)
}
