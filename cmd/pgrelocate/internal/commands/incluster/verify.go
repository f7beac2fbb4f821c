package incluster

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/installing"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/clusters"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/overviews"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
)

// VerifyFlags are the flags of `pgrelocate verify`.
type VerifyFlags struct {
	flagset.DestinationFlags
	deep, Pull bool
	noCluster  bool
	// independent looks for what names somebody else's registry, and at nothing else.
	independent bool
	accept      flagset.AcceptFlag
	bundle      flagset.BundleFlags
}

// NewVerifyCommand makes `pgrelocate verify`.
func NewVerifyCommand(a *app.App) *cobra.Command {
	f := &VerifyFlags{}
	cmd := &cobra.Command{
		Use:   "verify [FILE...]",
		Short: "Check that everything the operator offers can be pulled",
		Long: `Hold a cluster against what was installed: does the operator run, can the image of every
version that a user may pick be pulled with the secret as it is stored in the cluster, is
every version as the release made it, and do the namespaces that hold databases have the
pull secret. It changes nothing, and ends with exit code 5 where something is wrong, so
that a cron job can tell.

--deep asks the registry for every layer of every image as well. --pull proves it on the
nodes: a pod for each image, which runs nothing and is removed at once, judged by whether
the kubelet pulled it; this fills the nodes' disks with those images until they are
cleaned up there.

Places that --accept named when it was installed are remembered.

Without --registry, images may come from the registries that the helm release names.

--independent lists every string in the cluster that names a vendor's registry or a public
one, with its owner: what would stop if that registry went away tomorrow. It looks at all
kinds that may be listed, says which may not, and of secrets shows the key alone.

With --no-cluster, or where a registry is named and there is no kubeconfig, the registry
alone is checked: that it has every tag of the selection, and every manifest and layer
below, those of signatures and whatever else is attached too. With a bundle the digests
have to be those of the bundle, and what that has attached has to be there.`,
		Example: `  pgrelocate verify

  # for a cron job
  pgrelocate verify -o json --quiet

  # is the mirror whole? no cluster is asked
  pgrelocate verify --registry registry.example.com --no-cluster \
    --versions 17.5,16.9

  # let the nodes prove it
  pgrelocate verify --pull

  # what still hangs on somebody else's registry?
  pgrelocate verify --independent --registry registry.example.com`,
		ValidArgsFunction: flagset.FileNames,
		RunE: flagset.WithBundle(a, &f.bundle, a.Reported("verify", new(bool), func(ctx context.Context, cfg *config.Config, _ []string) error {
			f.Destination = flagset.DestinationOf(cfg)
			if f.independent {
				return verifyIndependence(ctx, a, cfg, f)
			}
			return VerifyInstallation(ctx, a, cfg, f)
		})),
	}
	flags := cmd.Flags()
	a.Settings.AddFlags(flags, config.Access, config.Place, config.PullSecret, config.InstanceNamespaces)
	flags.BoolVar(&f.deep, "deep", false, "ask for every layer of every image")
	flags.BoolVar(&f.Pull, "pull", false, "let the nodes pull every image")
	flags.Var(&f.accept, "accept", "let `PLACE`, KIND/NAME:PATH[=REASON], name an image from elsewhere; again for more")
	f.bundle.AddBundleFlag(flags, "want the private registry to hold what is in this `FILE`, digest by digest")
	flags.BoolVar(&f.independent, "independent", false, "list what in the cluster names a vendor's registry or a public one, and nothing else")
	flags.BoolVar(&f.noCluster, "no-cluster", false, "check the private registry alone: tags, digests and layers of the selection")
	a.Settings.AddFlags(flags, []string{"registry", "platform", "index"}, config.Selection, config.Charts, config.Discovery, config.Connection, config.Reports, config.Output)
	return cmd
}

// VerifyInstallation checks as the flags say, and shows what it found.
func VerifyInstallation(ctx context.Context, a *app.App, cfg *config.Config, flags *VerifyFlags) error {
	opts := installing.VerifyOptions{
		Destination: flags.Destination, Namespaces: cfg.InstanceNamespaces,
		Deep: flags.deep, Pull: flags.Pull, NoCluster: flags.noCluster, Accept: flags.accept,
	}
	if flags.noCluster && (flags.Pull || len(flags.accept) > 0) {
		return exit.Usagef("--pull and --accept are about a cluster, and --no-cluster reaches none")
	}
	if flags.bundle.Given() || flags.noCluster {
		if err := app.NeedRegistry(cfg); err != nil {
			return err
		}
	}
	var err error
	if opts.Bundle, err = flags.bundle.File(ctx, a); err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	verified, err := installing.Verify(ctx, s, opts)
	if verified.Mirror != nil {
		return showMirror(a, cfg, verified, err)
	}
	differs := differing(a, verified)
	if err != nil {
		return errors.Join(differs, err)
	}
	if err := a.Print(cfg, clusters.NewVerified(verified)); err != nil {
		return err
	}
	a.Note("%s", verified.Summary())
	return errors.Join(differs, verdict(verified.Check, nil))
}

// differing lists what the private registry does not hold of a bundle; nil where it holds all.
func differing(a *app.App, verified *installing.Verified) error {
	if verified.Differs == nil {
		return nil
	}
	a.ListFailures(verified.Differs)
	return &exit.VerificationError{Err: verified.Differs}
}

// showMirror says what a private registry holds, and what is wrong with each artifact.
func showMirror(a *app.App, cfg *config.Config, verified *installing.Verified, err error) error {
	if err != nil {
		return err
	}
	mirror := verified.Mirror
	for _, answer := range mirror.Mirrored {
		switch answer.Presence {
		case holdings.Present:
		case holdings.Missing:
			a.Say("", "wrong: ", "%s is missing", answer.Ref)
		case holdings.Unknown:
			a.Say("", "not known: ", "%v", answer)
		default:
			a.Say("", "wrong: ", "%v", answer)
		}
	}
	return cmp.Or(a.Print(cfg, overviews.NewMatrix(mirror).Counted(verified.Traffic)), mirror.Failures)
}
