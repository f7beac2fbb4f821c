package relocate

import (
	"context"

	"github.com/pgrelocate/pgrelocate/internal/install"
)

// InstallOptions are what installing takes besides the settings.
type InstallOptions struct {
	Place  Place
	Chart  ChartChoice
	Bundle BundleFile
	// PullCredentials go into the cluster; nil takes
	// those in the environment for pulling, or else the user's own for the registry.
	PullCredentials *PullCredentials
	// Run are the options for the run itself; those that name the release, the cluster and
	// the registries are filled in.
	Run install.Options
}

// Installed is what an installation did.
type Installed struct {
	*install.Outcome
	// Run are the options with which it was done.
	Run install.Options
}

// Install takes a cluster to an operator that runs from the private registry.
func (s *Session) Install(ctx context.Context, opts InstallOptions) (*Installed, error) {
	i := &installing{Session: s, InstallOptions: opts}
	err := run(ctx,
		i.lookInBundle, // the registry holds what the bundle does, and the chart is from there
		i.learnMirrored, // a release that the catalogue lacks, by what was copied of it
		i.chooseRelease,
		i.findCredentials, // those that go into the cluster
		i.openRegistry,
		i.connect,              // the cluster
		i.installPrerequisites, // of what the cluster lacks
		i.install,              // the steps in internal/install/run.go
	)
	if err != nil {
		return nil, err
	}
	return &Installed{Outcome: i.outcome, Run: i.Run}, nil
}

// installing is an installation that is under way.
type installing struct {
	*Session
	InstallOptions
	login   pullLogin
	outcome *install.Outcome
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
	if err := i.agree(ctx, b); err != nil || i.Chart.File != "" {
		return err
	}
	i.Chart.found, err = i.chartIn(ctx, b)
	return err
}

func (i *installing) chooseRelease(context.Context) (err error) {
	i.Run.Subject, err = i.subject(i.Place, i.Chart)
	return err
}

func (i *installing) findCredentials(ctx context.Context) (err error) {
	i.login, err = i.pullCredentials(ctx, i.PullCredentials)
	i.Run.Credentials = i.login.Login
	return err
}

func (i *installing) openRegistry(ctx context.Context) (err error) {
	i.Run.Registry, err = i.Clients.Target(ctx, false)
	i.Run.Dial = i.dialAs(ctx, i.login)
	return err
}

func (i *installing) connect(ctx context.Context) (err error) {
	i.Run.Cluster, err = i.Connect(ctx, i.Place)
	return err
}

func (i *installing) install(ctx context.Context) (err error) {
	i.Run.Hooks, i.Run.Confinement = i.opts.Hooks.Install, i.opts.Confinement
	i.outcome, err = install.Run(ctx, i.Run)
	return err
}
