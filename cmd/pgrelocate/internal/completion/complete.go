// Package completion proposes values of settings to shells.
package completion

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// CompleteSettings tells the shells what the values of settings can be.
func CompleteSettings(a *app.App, root *cobra.Command) {
	completers := map[string]cobra.CompletionFunc{
		"product":     Complete(a, ProductNames),
		"release":     Complete(a, releaseNames),
		"versions":    Complete(a, versionNames),
		"editions":    Complete(a, editionNames),
		"extras":      Complete(a, extraNames),
		"on-conflict": words("fail", "update", "skip"),
		"output":      words("table", "json", "yaml"),
		"platform":    words("linux/amd64", "linux/arm64"),
	}
	for _, name := range []string{
		"ca-file", "catalogue", "events", "metrics", "summary", "junit", "status", "file", "bundle", "public-key", "spool-dir", "since", "sign-key", "lock", "chart", "values",
		"kubeconfig", "pull-credentials-file", "tls-cert", "tls-key", "tls-self-signed", "htpasswd", "dir",
	} {
		completers[name] = flagset.FileNames
	}
	_ = root.RegisterFlagCompletionFunc("config", flagset.FileNames)
	completeFlags(root, completers)
}

// Completing tells whether a shell asks for completions.
func Completing(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// PlainUsages takes the quotes away by which the help finds the names of values: shells show them.
func PlainUsages(cmd *cobra.Command) {
	plain := func(flag *pflag.Flag) { _, flag.Usage = pflag.UnquoteUsage(flag) }
	cmd.PersistentFlags().VisitAll(plain)
	cmd.Flags().VisitAll(plain)
	for _, sub := range cmd.Commands() {
		PlainUsages(sub)
	}
}

// completeFlags gives the flags of a command, and of all below it, their completers.
func completeFlags(cmd *cobra.Command, completers map[string]cobra.CompletionFunc) {
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if complete := completers[flag.Name]; complete != nil {
			// Commands share the flags of settings: registering one again is no mistake.
			_ = cmd.RegisterFlagCompletionFunc(flag.Name, complete)
		}
	})
	for _, sub := range cmd.Commands() {
		completeFlags(sub, completers)
	}
}

// Complete makes a completion of what the catalogue says about the chosen product. A
// shell that completes has no use for errors: without settings there are no proposals.
func Complete(a *app.App, candidates func(*config.Config, *versions.Catalogue, *versions.Product) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		cfg, _, err := a.Settings.Load(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		catalogue, err := a.Session(cfg).Catalogue()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		product, err := catalogue.Product(cfg.Product)
		if err != nil {
			product = &versions.Product{}
		}
		return listed(typed, candidates(cfg, catalogue, product)), cobra.ShellCompDirectiveNoFileComp
	}
}

// listed puts what is typed already of a list before each candidate that is not in it.
func listed(typed string, candidates []string) []string {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	chosen := strings.Split(before, ",")
	var proposals []string
	for _, candidate := range candidates {
		if !slices.Contains(chosen, candidate) {
			proposals = append(proposals, before+candidate)
		}
	}
	return proposals
}

func words(candidates ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(candidates, cobra.ShellCompDirectiveNoFileComp)
}

// ProductNames proposes the products of the catalogue.
func ProductNames(_ *config.Config, catalogue *versions.Catalogue, _ *versions.Product) []string {
	var names []string
	for _, product := range catalogue.Products() {
		names = append(names, product.Name)
	}
	return names
}

func releaseNames(_ *config.Config, _ *versions.Catalogue, product *versions.Product) []string {
	var names []string
	for _, release := range product.Releases {
		names = append(names, release.Name)
	}
	return names
}

// chosenReleases are those that --release names, else the newest.
func chosenReleases(cfg *config.Config, product *versions.Product) []*versions.Release {
	var chosen []*versions.Release
	for _, name := range cfg.Releases {
		// cobra parses the flags twice for a completion, so that names come twice
		if release, err := product.Release(name); err == nil && !slices.Contains(chosen, release) {
			chosen = append(chosen, release)
		}
	}
	if len(chosen) == 0 && len(product.Releases) > 0 {
		chosen = append(chosen, product.Newest())
	}
	return chosen
}

func versionNames(cfg *config.Config, _ *versions.Catalogue, product *versions.Product) []string {
	names := []string{"all", "latest"}
	for _, release := range chosenReleases(cfg, product) {
		for _, version := range release.Versions() {
			names = append(names, version.String())
		}
	}
	return names
}

func editionNames(cfg *config.Config, _ *versions.Catalogue, product *versions.Product) []string {
	var names []string
	for _, release := range chosenReleases(cfg, product) {
		for _, edition := range release.Editions() {
			names = append(names, string(edition))
		}
	}
	return names
}

func extraNames(cfg *config.Config, _ *versions.Catalogue, product *versions.Product) []string {
	names := []string{"all", "none"}
	for _, release := range chosenReleases(cfg, product) {
		for _, extra := range release.Extras() {
			names = append(names, extra.Name)
		}
	}
	return names
}
