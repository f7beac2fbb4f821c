package mirror

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/completion"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/overviews"
)

// NewProductsCommand makes `pgrelocate products`.
func NewProductsCommand(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "products",
		Short: "List the products that can be relocated",
		Long: `List the products of the catalogue, with the newest known release of each, the axes on
which its images lie beside PostgreSQL versions, and the images beside the instances.
--product chooses one for the other commands, --axis and --extras of what it has. Words
in parentheses are taken along only where they are named.

Nothing is asked of any registry. --catalogue FILE adds products of your own.`,
		Example: `  pgrelocate products

  # and what of one of them is there?
  pgrelocate versions --product crunchy-pgo

  # the words of each axis, for a script
  pgrelocate products -o json | jq '.products[] | {product, axes}'`,
		Args: usage.NoArgs,
		RunE: a.With(func(_ context.Context, cfg *config.Config, _ []string) error { return listProducts(a, cfg) }),
	}
	a.Settings.AddFlags(cmd.Flags(), []string{"catalogue"}, config.Output)
	cmd.AddCommand(newProductsShowCommand(a))
	return cmd
}

func listProducts(a *app.App, cfg *config.Config) error {
	s := a.Session(cfg)
	defer s.Close()
	catalogue, err := s.Catalogue()
	if err != nil {
		return err
	}
	return a.Print(cfg, overviews.NewProducts(catalogue.Products()))
}

func newProductsShowCommand(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Print a product as a catalogue file to start from",
		Long: `Print all that is known of a product as a catalogue file, which --catalogue reads again.
What one file describes is printed as it stands, with its comments; where files of yours
are merged over it, what comes of them all.

Files that were written for versions before there were axes and several charts are
printed as they are written today.`,
		Example: `  # start a description of your own from a built-in one
  pgrelocate products show cloudnative-pg > mine.yaml

  # bring an old catalogue file up to date
  pgrelocate products show mine --catalogue old.yaml > mine.yaml`,
		Args:              usage.ExactArgs("NAME"),
		ValidArgsFunction: completion.Complete(a, completion.ProductNames),
		RunE: a.With(func(_ context.Context, cfg *config.Config, args []string) error {
			return showProduct(a, cfg, args[0])
		}),
	}
	cmd.Flags().SortFlags = false
	a.Settings.AddFlags(cmd.Flags(), []string{"catalogue"}, config.Output)
	return cmd
}

// showProduct prints YAML, which is what a catalogue file is. In JSON the version 17.10 would be
// the number 17.1.
func showProduct(a *app.App, cfg *config.Config, name string) error {
	if cfg.Output == output.JSON {
		return exit.Usagef("a catalogue file is YAML; there is none in JSON").WithHint("`pgrelocate products -o json` has what scripts want")
	}
	s := a.Session(cfg)
	defer s.Close()
	product, err := s.ProductNamed(name)
	if err != nil {
		return err
	}
	text, err := product.File()
	if err != nil {
		return err
	}
	_, err = a.Out.Write(text)
	return err
}
