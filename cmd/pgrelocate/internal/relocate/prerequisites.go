package relocate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// prerequisites are the products that the chosen one does not work without.
func (s *Session) prerequisites(catalogue *versions.Catalogue) ([]*versions.Product, error) {
	product, err := catalogue.Product(s.cfg.Product)
	if err != nil {
		return nil, unknown(err)
	}
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Prerequisites.Releases)) {
		if !slices.Contains(product.Cluster.Requires, name) {
			return nil, exit.Usagef("%s is no prerequisite of %s", name, product.Name)
		}
	}
	var all []*versions.Product
	for _, name := range product.Cluster.Requires {
		needed, err := catalogue.Product(name)
		if err != nil {
			return nil, unknown(fmt.Errorf("%s requires %s: %w", product.Name, name, err))
		}
		all = append(all, needed)
	}
	return all, nil
}

// withPrerequisites adds what the chosen product does not work without to what is selected.
func (s *Session) withPrerequisites(catalogue *versions.Catalogue, selected []versions.Artifact, target ref.Folder) ([]versions.Artifact, error) {
	needed, err := s.prerequisites(catalogue)
	if err != nil {
		return nil, err
	}
	taken := map[ref.Reference]ref.Reference{}
	for _, a := range selected {
		taken[a.Target] = a.Source
	}
	for _, product := range needed {
		more, err := versions.Select(catalogue, versions.Selection{
			Product: product.Name, Releases: s.releaseOfPrerequisite(product), Source: s.cfg.Source.Folder, Target: target,
		})
		if err != nil {
			return nil, unknown(err)
		}
		for _, a := range more {
			if before, ok := taken[a.Target]; ok && before != a.Source {
				return nil, exit.Usagef("%s and %s would both become %s: name a registry without a folder, so that each product has its own", before, a.Source, a.Target)
			}
			taken[a.Target] = a.Source
			selected = append(selected, a)
		}
	}
	return selected, nil
}

// releaseOfPrerequisite is the release that was asked for; none is the newest known.
func (s *Session) releaseOfPrerequisite(product *versions.Product) []string {
	if release := s.cfg.Prerequisites.Releases[product.Name]; release != "" {
		return []string{release}
	}
	return nil
}

// installPrerequisites installs what the cluster lacks of what the product does not work
// without, from the private registry. What is there is not touched.
func (i *installing) installPrerequisites(ctx context.Context) error {
	if !i.cfg.Prerequisites.Wanted {
		return nil
	}
	catalogue, err := i.Catalogue()
	if err != nil {
		return err
	}
	needed, err := i.Session.prerequisites(catalogue)
	if err != nil {
		return err
	}
	for _, product := range needed {
		if err := i.installPrerequisite(ctx, catalogue, product); err != nil {
			return err
		}
	}
	return nil
}

func (i *installing) installPrerequisite(ctx context.Context, catalogue *versions.Catalogue, product *versions.Product) error {
	known := install.PrerequisitesOf(catalogue)
	at := slices.IndexFunc(known, func(p cluster.Prerequisite) bool { return p.Product == product.Name })
	if at < 0 {
		return exit.Usagef("the catalogue does not tell how to see whether %s is there; install it first, and leave prerequisites out", product.Title)
	}
	switch has, err := i.Run.Cluster.HasPrerequisite(known[at]); {
	case err != nil:
		return err
	case has:
		i.note("%s is in the cluster already, and is left as it is", product.Title)
		return nil
	}
	release := ""
	if names := i.releaseOfPrerequisite(product); names != nil {
		release = names[0]
	}
	run := install.Options{
		Cluster: i.Run.Cluster, Registry: i.Run.Registry, Dial: i.Run.Dial, Credentials: i.Run.Credentials,
		OnlyMirrored: true, Atomic: i.Run.Atomic, Timeout: i.Run.Timeout, DryRun: i.Run.DryRun,
		Confinement: i.opts.Confinement, Hooks: i.opts.Hooks.Install,
	}
	place := Place{PullSecret: i.Run.Subject.PullSecret}
	var err error
	if run.Subject, err = i.subjectOf(product, release, place, ChartChoice{}); err != nil {
		return err
	}
	i.note("installing %s %s, without which %s does not work", product.Title, run.Subject.Release.Name, i.Run.Subject.Product.Title)
	if _, err := install.Run(ctx, run); err != nil {
		return &PrerequisiteError{Product: product.Name, Title: product.Title, Err: err}
	}
	if run.DryRun {
		i.Run.Awaited = append(i.Run.Awaited, product.Name)
		i.note("%s would be installed after %s", i.Run.Subject.Product.Title, product.Title)
		return nil
	}
	i.Run.Cluster.Refresh()
	return i.await(ctx, known[at], run.Subject.Namespace)
}

// PrerequisiteError says that what a product does not work without could not be installed.
type PrerequisiteError struct {
	// Product is its name in the catalogue, Title what people call it.
	Product, Title string
	Err            error
}

// Error names it, and says why.
func (e *PrerequisiteError) Error() string {
	return fmt.Sprintf("installing the prerequisite %s: %v", e.Title, e.Err)
}

// Unwrap returns the cause.
func (e *PrerequisiteError) Unwrap() error { return e.Err }

// betweenProbes is how long to wait before a prerequisite is asked again.
const betweenProbes = 2 * time.Second

// await waits until a prerequisite that was just installed answers: its pods are ready before
// its webhook has a certificate that the API server trusts.
func (i *installing) await(ctx context.Context, needed cluster.Prerequisite, namespace string) error {
	timeout := i.Run.Timeout
	if timeout <= 0 {
		timeout = install.DefaultTimeout
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		notice, err := i.Run.Cluster.CheckPrerequisite(bounded, needed, namespace)
		if err == nil {
			if notice != "" {
				i.warn(notice)
			}
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(err, cluster.ErrNoAnswer) && !errors.Is(err, cluster.ErrNoPrerequisite) {
			return err
		}
		select {
		case <-bounded.Done():
			return err
		case <-time.After(betweenProbes):
			i.Run.Cluster.Refresh()
		}
	}
}
