package airgap

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/inventory"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
)

// NewReceiptCommand makes `pgrelocate receipt`.
func NewReceiptCommand(a *app.App) *cobra.Command {
	var file string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "receipt [FILE]",
		Short: "Write down what the private registry holds",
		Long: `Write down what the private registry really holds of the product, by digest, small enough
to be carried back. "pgrelocate save --since RECEIPT" on the other side then leaves that
out of the next bundle.

Every known release is looked for unless --release says otherwise; a blob counts only
where the registry says that it has it. What its tags, its manifests or its listings name
and it does not have is left out; a warning says what, and exit code 5 that there is any.`,
		Example: `  # inside
  pgrelocate receipt receipt.json --registry registry.example.com

  # outside, with the file that was carried back
  pgrelocate save pg-next.tar --since receipt.json`,
		ValidArgsFunction: flagset.FileNames,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, args []string) error {
			if err := usage.OneFile(&file, args); err != nil {
				return err
			}
			if overwrite && file == "" {
				return exit.Usagef("--overwrite is about a file, and none is named")
			}
			return receipt(ctx, a, cfg, file, overwrite)
		}),
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "write to `FILE` instead of standard output")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace a file of that name")
	a.Settings.AddFlags(cmd.Flags(), []string{"registry", "platform", "index"}, config.Selection, config.Charts, config.Connection)
	return cmd
}

func receipt(ctx context.Context, a *app.App, cfg *config.Config, file string, overwrite bool) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	to := app.OutFile{Path: file, Overwrite: overwrite}
	if err := to.Check(); err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	held, err := inventory.Receipt(ctx, s)
	if err != nil {
		return err
	}
	a.Note("%s holds %s of %d, in %s", cfg.Registry, output.Count(len(held.Artifacts), "artifact"), held.Selected, output.Count(len(held.Blobs), "blob"))
	return cmp.Or(a.WriteOutBy(to, held.Write), held.Failures)
}
