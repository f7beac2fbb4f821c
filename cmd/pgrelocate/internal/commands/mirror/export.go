package mirror

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/exporting"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/internal/formats"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// exportFlags are the flags of `pgrelocate export`.
type exportFlags struct {
	exporting.Options
	file      string
	overwrite bool
	only      []string // namespaces of a policy
}

// NewExportCommand makes `pgrelocate export`.
func NewExportCommand(a *app.App) *cobra.Command {
	f := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export FORMAT",
		Short: "Write what is selected, or a lock, for another tool",
		Long: `Write what is selected, or what --lock FILE has, in the format of another tool:

  images            images.txt: the vendor's reference of an image a line
  regsync           regclient's regsync: each source with its target
  skopeo            for "skopeo sync --src yaml", by tags
  hauler            Hauler's manifest, images and charts
  oc-mirror         an ImageSetConfiguration of oc-mirror v2
  argocd, flux      the operator's chart in the private registry, and its values
  admission-policy  a ValidatingAdmissionPolicy that lets nothing else run, in
                    --only-in NAMESPACES or everywhere; of a lock only

A lock knows digests: images, regsync, oc-mirror and flux name what they can by them then. What a
format has no place for is said in a comment at its head. Nobody is asked, but with argocd
and flux the private registry for what it has; --offline takes everything to be there.`,
		Example: `  pgrelocate export regsync --registry registry.example.com > regsync.yml

  # only what was relocated runs where databases are
  pgrelocate copy --registry registry.example.com --lock lock.json
  pgrelocate export admission-policy --lock lock.json \
    --registry registry.example.com --only-in postgres-system,demo |
    kubectl apply -f -`,
		Args:              usage.ExactArgs("FORMAT"),
		ValidArgsFunction: cobra.FixedCompletions(formatNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: a.With(func(ctx context.Context, cfg *config.Config, args []string) error {
			f.Format, f.Destination = formats.Format(args[0]), flagset.DestinationOf(cfg)
			return export(ctx, a, cfg, f)
		}),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.Lock, "lock", "", "write what is in the lock `FILE`, instead of the selection")
	fs.StringVarP(&f.file, "file", "f", "", "write into `FILE` instead of to standard output")
	fs.BoolVar(&f.overwrite, "overwrite", false, "replace a file that is there")
	fs.BoolVar(&f.Offline, "offline", false, "do not ask the registry what it has, for argocd and flux")
	fs.StringArrayVar(&f.only, "only-in", nil, "let the admission policy count in these `NAMESPACES`, demo,prod, and not in all")
	fs.BoolVar(&f.Policy.Pinned, "only-digests", false, "let the admission policy take no image by its tag alone")
	fs.BoolVar(&f.Policy.VendorNames, "vendor-names", false, "let the admission policy take the vendor's names too, for nodes that redirect")
	a.Settings.AddFlags(fs, config.Sides, config.Selection, []string{"with-prerequisites", "namespace", "helm-release", "pull-secret"}, config.Connection)
	return cmd
}

func formatNames() []string {
	var names []string
	for _, format := range exporting.Formats() {
		names = append(names, string(format))
	}
	return names
}

func export(ctx context.Context, a *app.App, cfg *config.Config, f *exportFlags) error {
	if !slices.Contains(exporting.Formats(), f.Format) {
		return exit.Usagef("there is no format %q; choose %s", f.Format, strings.Join(formatNames(), ", "))
	}
	if err := exporting.NeedsLock(f.Format); err != nil && f.Lock == "" {
		return exit.Usagef("%w: --lock FILE is missing", err)
	}
	if !slices.Contains([]formats.Format{formats.Images, formats.Hauler, formats.OCMirror}, f.Format) {
		if err := app.NeedRegistry(cfg); err != nil {
			return err
		}
	}
	for _, namespace := range flagset.SplitNames(f.only) {
		// The API server would take it, and the policy would count nowhere.
		if err := cluster.CheckLabel("--only-in", namespace); err != nil {
			return &exit.UsageError{Err: err}
		}
	}
	to := app.OutFile{Path: f.file, Overwrite: f.overwrite}
	if err := to.Check(); err != nil {
		return err
	}
	f.Policy.Name, f.Policy.Namespaces = "pgrelocate-only-relocated", flagset.SplitNames(f.only)
	s := a.Session(cfg)
	defer s.Close()
	text, err := exporting.Export(ctx, s, f.Options)
	if err != nil {
		return err
	}
	if err := a.WriteOut(to, text); err != nil || to.IsStdout() {
		return err
	}
	a.Note("wrote %s", f.file)
	return nil
}
