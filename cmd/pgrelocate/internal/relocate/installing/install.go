package installing

import (
	"context"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/inventory"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/pulling"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/rendering"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

// InstallOptions are what installing takes besides the settings.
type InstallOptions struct {
	Destination reaching.Destination
	Chart       rendering.ChartChoice
	Bundle      relocate.BundleFile
	// Only is the chart of the release that is installed alone, by its name; empty for all.
	Only string
	// PullCredentials are as in pulling.SecretOptions.
	PullCredentials *pulling.Credentials
	// Run are the options for the run itself; those that name the release, the cluster and
	// the registries are filled in.
	Run install.Options
}

// Installed is what an installation did.
type Installed struct {
	*install.Outcome
	// Run are the options with which it was done.
	Run install.Options
	// Beside are of the charts that were installed after the operator's.
	Beside []*install.Outcome
}

// WholeCheck is what was verified at the end, of all charts; nil in a dry run.
func (i *Installed) WholeCheck() *verify.Check {
	if i.Check == nil {
		return nil
	}
	whole := *i.Check
	for _, beside := range i.Beside {
		if beside.Check != nil {
			check := *beside.Check
			check.Namespaces = nil // they are the operator's
			whole.Others = append(whole.Others, &check)
		}
	}
	return &whole
}

// Install takes a cluster to an operator that runs from the private registry.
func Install(ctx context.Context, s *relocate.Session, opts InstallOptions) (*Installed, error) {
	i := &installing{Session: s, InstallOptions: opts}
	err := relocate.Run(ctx,
		i.lookInBundle,  // the registry holds what the bundle does, and the chart is from there
		i.learnMirrored, // a release that the catalogue lacks, by what was copied of it
		i.chooseRelease,
		i.findCredentials, // those that go into the cluster
		i.openRegistry,
		i.chooseCharts,
		i.connect,              // the cluster
		i.installPrerequisites, // of what the cluster lacks
		i.needPrerequisites,    // of the other charts, before the first is installed
		i.install,              // the steps in internal/install/run.go
		i.installOthers,        // the same, for the release's other charts
	)
	if err != nil {
		return nil, err
	}
	return &Installed{Outcome: i.outcome, Run: i.Run, Beside: i.beside}, nil
}

// installing is an installation that is under way.
type installing struct {
	*relocate.Session
	InstallOptions
	login   pulling.Login
	outcome *install.Outcome
	// others are the charts after the first, and beside what became of them.
	others []preparation.Subject
	beside []*install.Outcome
}

func (i *installing) lookInBundle(ctx context.Context) error {
	if !i.Bundle.Given() {
		return nil
	}
	b, err := i.OpenBundle(ctx, i.Bundle)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := inventory.Agree(ctx, i.Session, b); err != nil || i.Chart.File != "" {
		return err
	}
	i.Chart.Found, err = inventory.ChartIn(ctx, i.Session, b)
	return err
}

func (i *installing) chooseRelease(context.Context) (err error) {
	i.Run.Subject, err = rendering.Subject(i.Session, i.Destination, i.Chart)
	return err
}

func (i *installing) findCredentials(ctx context.Context) (err error) {
	i.login, err = pulling.LoginFor(ctx, i.Session, i.PullCredentials)
	i.Run.Credentials = i.login.Login
	pulling.TellLifetime(i.Session, i.login.Login)
	return err
}

func (i *installing) openRegistry(ctx context.Context) (err error) {
	i.Run.Registry, err = i.Clients.Target(ctx, false)
	i.Run.Dial = pulling.DialAs(ctx, i.Session, i.login)
	return err
}

func (i *installing) chooseCharts(ctx context.Context) error {
	parts, err := rendering.Parts(ctx, i.Run.Subject, i.Only, i.Run.Registry)
	if err != nil {
		return err
	}
	i.Run.Subject, i.others = parts[0], parts[1:]
	return nil
}

func (i *installing) connect(ctx context.Context) (err error) {
	i.Run.Cluster, err = reaching.Connect(ctx, i.Session, i.Destination)
	return err
}

func (i *installing) install(ctx context.Context) (err error) {
	i.Run.Hooks, i.Run.Confinement = i.Options.Hooks.Install, i.Options.Confinement
	i.outcome, err = install.Run(ctx, i.Run)
	return err
}

func (i *installing) learnMirrored(ctx context.Context) error {
	return discovery.LearnMirrored(ctx, i.Session)
}
