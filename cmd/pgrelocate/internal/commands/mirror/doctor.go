package mirror

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/doctor"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/clusters"
	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/registry/checkup"
)

// doctorFlags are the flags of `pgrelocate doctor`.
type doctorFlags struct {
	only    []string
	write   string
	timeout time.Duration
}

// The words of --write-probe.
var writeDepths = map[string]checkup.Depth{"": checkup.Nothing, "uploads": checkup.Uploads, "manifest": checkup.Manifests}

// NewDoctorCommand makes `pgrelocate doctor`.
func NewDoctorCommand(a *app.App) *cobra.Command {
	f := &doctorFlags{}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong, or will be, with what to do",
		Long: `Before a first run, or when something fails: examine the registries that artifacts come
from, the private registry, and the cluster, all at once, and say for everything that is
not well what to do about it.

Of a registry: its name, proxies, certificate and clock, the login and its tokens, whether
it can be read and written to, which repositories are there, where downloads come from,
and its limits. Of a cluster: the API server, permissions, what the operator needs, the
nodes against the images, and the pull secrets.

Nothing is written. --write-probe opens uploads in the private registry and cancels them,
which shows whether it may be pushed to, makes repositories, mounts blobs, takes chunks,
and how large a body may be. --write-probe=manifest also puts a small image of random
content, by its digest and without a tag, and deletes it. Where that is said beforehand,
with the digests, on standard error; what a registry does not let us take back is a
finding. A repository that is there is preferred to one that would have to be made.

What was not looked at says so. The exit code is 5 where something failed.`,
		Example: `  pgrelocate doctor --registry registry.example.com/team

  # try it out as well, and leave nothing behind
  pgrelocate doctor --registry registry.example.com --write-probe

  # behind an air gap, where no source can be reached
  pgrelocate doctor --registry registry.example.com --only target,cluster \
    -o json`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return examine(ctx, a, cfg, f)
		}),
	}
	flags := cmd.Flags()
	a.Settings.AddFlags(flags, config.Sides)
	flags.StringSliceVar(&f.only, "only", nil, "examine these `SIDES` alone: source, target, cluster")
	flags.StringVar(&f.write, "write-probe", "", "write to the private registry and take it back, as far as `DEPTH`: uploads, or manifest")
	flags.Lookup("write-probe").NoOptDefVal = "uploads"
	flags.DurationVar(&f.timeout, "timeout", checkup.DefaultTimeout, "wait for each answer no longer than `TIME`")
	a.Settings.AddFlags(flags, config.Selection, config.Charts, config.Access, config.Place, config.PullSecret, config.InstanceNamespaces, config.Connection, config.Output)
	return cmd
}

func examine(ctx context.Context, a *app.App, cfg *config.Config, f *doctorFlags) error {
	depth, known := writeDepths[f.write]
	if !known {
		return exit.Usagef("--write-probe: %q is neither uploads nor manifest", f.write)
	}
	for _, side := range f.only {
		if !slices.Contains(doctor.Sides(), side) {
			return exit.Usagef("--only: %q is none of %s", side, strings.Join(doctor.Sides(), ", "))
		}
	}
	if f.timeout <= 0 {
		return exit.Usagef("--timeout: %s is no time to wait", f.timeout)
	}
	if depth > checkup.Nothing {
		if err := app.NeedRegistry(cfg); err != nil {
			return err
		}
	}
	s := a.Session(cfg)
	defer s.Close()
	report, err := doctor.Examine(ctx, s, doctor.Options{
		Only: f.only, Destination: flagset.DestinationOf(cfg), Namespaces: cfg.InstanceNamespaces, Write: depth, Timeout: f.timeout,
		Told: func(text string) { a.Say("", "", "%s", text) },
	})
	if len(report.Entries) > 0 {
		if shown := a.Print(cfg, clusters.NewDiagnosis(report)); err == nil {
			err = shown
		}
	}
	if failed := report.Count(finding.Failed); err == nil && failed > 0 {
		return &exit.VerificationError{Err: fmt.Errorf("%d of %d probes failed", failed, len(report.Entries))}
	}
	return err
}
