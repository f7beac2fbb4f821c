package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
)

// verifyFlags are the flags of `pgrelocate verify`.
type verifyFlags struct {
	placeFlags
	deep, pull bool
	noCluster  bool
	accept     acceptFlag
	bundle     bundleFlags
}

func newVerifyCommand(a *app) *cobra.Command {
	f := &verifyFlags{}
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

With --no-cluster, or where a registry is named and there is no kubeconfig, the registry
alone is checked: that it has every tag of the selection, and every manifest and layer
below. With a bundle the digests have to be those of the bundle.`,
		Example: `  pgrelocate verify

  # for a cron job
  pgrelocate verify -o json --quiet

  # is the mirror whole? no cluster is asked
  pgrelocate verify --registry registry.example.com --no-cluster \
    --versions 17.5,16.9

  # let the nodes prove it
  pgrelocate verify --pull`,
		ValidArgsFunction: fileNames,
		RunE: a.withBundle(&f.bundle, func(ctx context.Context, cfg *config.Config, _ []string) error {
			f.Place = placeOf(cfg)
			return verifyInstallation(ctx, a, cfg, f)
		}),
	}
	flags := cmd.Flags()
	a.settings.AddFlags(flags, config.Access, config.Place, config.PullSecret, config.InstanceNamespaces)
	flags.BoolVar(&f.deep, "deep", false, "ask for every layer of every image")
	flags.BoolVar(&f.pull, "pull", false, "let the nodes pull every image")
	flags.Var(&f.accept, "accept", "let `PLACE`, KIND/NAME:PATH[=REASON], name an image from elsewhere; again for more")
	f.bundle.addBundleFlag(flags, "want the private registry to hold what is in this `FILE`, digest by digest")
	flags.BoolVar(&f.noCluster, "no-cluster", false, "check the private registry alone: tags, digests and layers of the selection")
	a.settings.AddFlags(flags, []string{"registry", "platform", "index"}, config.Selection, config.Charts, config.Connection, config.Output)
	return cmd
}

func verifyInstallation(ctx context.Context, a *app, cfg *config.Config, flags *verifyFlags) error {
	opts := relocate.VerifyOptions{
		Place: flags.Place, Namespaces: cfg.InstanceNamespaces,
		Deep: flags.deep, Pull: flags.pull, NoCluster: flags.noCluster, Accept: flags.accept,
	}
	if flags.noCluster && (flags.pull || len(flags.accept) > 0) {
		return exit.Usagef("--pull and --accept are about a cluster, and --no-cluster reaches none")
	}
	if flags.bundle.given() || flags.noCluster {
		if err := needRegistry(cfg); err != nil {
			return err
		}
	}
	var err error
	if opts.Bundle, err = flags.bundle.file(ctx, a); err != nil {
		return err
	}
	s := a.session(cfg)
	defer s.Close()
	verified, err := s.Verify(ctx, opts)
	if verified.Mirror != nil {
		return a.showMirror(cfg, verified.Mirror, err)
	}
	differs := a.differing(verified)
	if err != nil {
		return errors.Join(differs, err)
	}
	if err := a.print(cfg, view.NewVerified(verified)); err != nil {
		return err
	}
	a.note("%s", verified.Summary())
	return errors.Join(differs, verdict(verified.Check, nil))
}

// differing lists what the private registry does not hold of a bundle; nil where it holds all.
func (a *app) differing(verified *relocate.Verified) error {
	if verified.Differs == nil {
		return nil
	}
	a.listFailures(verified.Differs)
	return &exit.VerificationError{Err: verified.Differs}
}

// showMirror says what a private registry holds, and what is wrong with each artifact.
func (a *app) showMirror(cfg *config.Config, mirror *relocate.Matrix, err error) error {
	if err != nil {
		return err
	}
	for _, answer := range mirror.Mirrored {
		switch answer.Presence {
		case holdings.Present:
		case holdings.Missing:
			a.say("", "wrong: ", "%s is missing", answer.Ref)
		default:
			a.say("", "wrong: ", "%v", answer)
		}
	}
	return cmp.Or(a.print(cfg, view.NewMatrix(mirror)), mirror.Failures)
}
