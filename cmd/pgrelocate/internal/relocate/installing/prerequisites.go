package installing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/rendering"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// installPrerequisites installs what the cluster lacks of what the product does not work
// without, from the private registry. What is there is not touched.
func (i *installing) installPrerequisites(ctx context.Context) error {
	if !i.Config.Prerequisites.Wanted {
		return nil
	}
	catalogue, err := i.Catalogue()
	if err != nil {
		return err
	}
	var names []string
	for _, part := range i.parts() {
		for _, name := range part.Requires() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	needed, err := i.Required(catalogue, names)
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

// parts are all charts that are installed, the operator's first.
func (i *installing) parts() []preparation.Subject {
	return append([]preparation.Subject{i.Run.Subject}, i.others...)
}

// needPrerequisites wants what the charts beside the operator's are said to need, so that no
// operator is left without them. What the operator needs its own installation asks for.
func (i *installing) needPrerequisites(ctx context.Context) error {
	for _, part := range i.others {
		for _, needed := range part.Prerequisites {
			if !slices.Contains(part.Requires(), needed.Product) || i.Run.DryRun && slices.Contains(i.Run.Awaited, needed.Product) {
				continue
			}
			has, err := i.Run.Cluster.HasPrerequisite(ctx, needed)
			if err != nil {
				return err
			}
			if !has {
				needed.Of = part.Part
				return &cluster.PrerequisiteError{Prerequisite: needed, Err: cluster.ErrNoPrerequisite}
			}
		}
	}
	return nil
}

func (i *installing) installPrerequisite(ctx context.Context, catalogue *versions.Catalogue, product *versions.Product) error {
	known := traits.Prerequisites(catalogue)
	at := slices.IndexFunc(known, func(p cluster.Prerequisite) bool { return p.Product == product.Name })
	if at < 0 {
		return exit.Usagef("the catalogue does not tell how to see whether %s is there; install it first, and leave prerequisites out", product.Title)
	}
	switch has, err := i.Run.Cluster.HasPrerequisite(ctx, known[at]); {
	case err != nil:
		return err
	case has:
		i.Note("%s is in the cluster already, and is left as it is", product.Title)
		return nil
	}
	release := ""
	if names := i.ReleaseOfPrerequisite(product); names != nil {
		release = names[0]
	}
	run := install.Options{
		Cluster: i.Run.Cluster, Registry: i.Run.Registry, Dial: i.Run.Dial, Credentials: i.Run.Credentials,
		OnlyMirrored: true, Atomic: i.Run.Atomic, Timeout: i.Run.Timeout, DryRun: i.Run.DryRun,
		Confinement: i.Options.Confinement, Hooks: i.Options.Hooks.Install,
	}
	place := reaching.Destination{PullSecret: i.Run.Subject.PullSecret}
	var err error
	if run.Subject, err = rendering.SubjectOf(i.Session, product, release, place, rendering.ChartChoice{}); err != nil {
		return err
	}
	i.Note("installing %s %s, without which %s does not work", product.Title, run.Subject.Release.Name, i.Run.Subject.Product.Title)
	if _, err := install.Run(ctx, run); err != nil {
		return &PrerequisiteError{Product: product.Name, Title: product.Title, Err: err}
	}
	if run.DryRun {
		i.Run.Awaited = append(i.Run.Awaited, product.Name)
		i.Note("%s would be installed after %s", i.Run.Subject.Product.Title, product.Title)
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
				i.Warn(notice)
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
