package main

// How a command is added
//
//  1. One file, one constructor: NewFooCommand(a *app.App) *cobra.Command in foo.go, in the
//     package of its group below internal/commands. No init, no package variables.
//  2. List it below, where it belongs in the flow.
//  3. Flags that are settings (they may also stand in the config file and the environment)
//     come from the settings: a.Settings.AddFlags(cmd.Flags(), config.Sides, config.Connection).
//     A new setting is one line in internal/config/settings.go and one field of Config.
//     Flags that belong to the command alone, --dry-run, are plain cobra flags;
//     internal/flagset has those that several commands share.
//  4. RunE is a sentence: RunE: a.With(func(ctx, cfg, args) error { return foo(ctx, a, cfg, opts) }).
//  5. Arguments: Args: usage.NoArgs, or usage.ExactArgs("HOST").
//  6. The result is a document of internal/view, with json tags and an output.Header, shown
//     with a.Print(cfg, view). Everything else is a.Note, a.Detail (-v) or a.Warn. Never
//     write to os.Stdout or os.Stderr.
//  7. What a user got wrong is exit.Usagef("...").WithHint("..."); other errors choose
//     their exit code in internal/exit by what they wrap.
//  8. What happens between flags and result is a use case: a function in a package below
//     internal/relocate that takes the relocate.Session which a.Session(cfg) opens.
//  9. A script in testdata/script/foo.txtar says what users see; `make docs` renews
//     docs/commands.

import (
	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/commands/about"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/commands/airgap"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/commands/anychart"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/commands/incluster"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/commands/mirror"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/completion"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
)

const rootLong = `pgrelocate copies a release of a PostgreSQL operator from its vendor's registry into
your own: the chart, the operator, and an image for each PostgreSQL version you want.
Every layer moves once, tags and digests stay as they are, and a second run only moves
what is missing. The default product is Tanzu for Postgres on Kubernetes.

The usual way through, with your own registry as HOST:

  pgrelocate demo                      see the whole job done, on this machine
  pgrelocate products                  what can be relocated
  pgrelocate versions                  what there is of a product
  pgrelocate login HOST -u USER        log in, once to each registry
  pgrelocate doctor --registry HOST    what is wrong, or will be
  pgrelocate plan --registry HOST      what a copy would move, in bytes
  pgrelocate copy --registry HOST      move it
  pgrelocate install --registry HOST   run it from there
  pgrelocate verify --registry HOST    check that everything can be pulled

Where no machine reaches both registries, "save" writes a file and "load" reads it.
Most flags can also stand in a config file or in the environment: see "pgrelocate config".`

// newRootCommand lists the commands in the order of the flow.
func newRootCommand(a *app.App) *cobra.Command {
	cobra.EnableCommandSorting = false // the order below is the order of the flow
	root := &cobra.Command{
		Use:   "pgrelocate COMMAND",
		Short: "Relocate a PostgreSQL operator into a private registry",
		Long:  rootLong,
		Example: `  # copy the newest release, all PostgreSQL versions
  pgrelocate copy --registry registry.example.com

  # only the newest minor of PostgreSQL 16 and 17, full edition
  pgrelocate copy --registry registry.example.com \
    --versions 17,16 --editions full`,
		Version:       a.Build.Version,
		Args:          usage.NoCommand,
		RunE:          usage.ShowHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	setStreams(root, a)
	root.SetFlagErrorFunc(usage.ExplainFlagError)
	root.SetUsageFunc(usage.ShowUsage(a))
	root.SetHelpFunc(usage.ShowHelpText(a))
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.PersistentFlags().SortFlags = false
	root.PersistentFlags().StringVar(&a.Settings.File, "config", "", "read settings from `FILE` instead of the usual places")
	a.Settings.AddFlags(root.PersistentFlags(), config.Common)
	root.CompletionOptions.DisableDefaultCmd = true
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	addGroup(root, "relocate", "Relocate:",
		mirror.NewProductsCommand(a),
		mirror.NewVersionsCommand(a),
		mirror.NewLoginCommand(a),
		mirror.NewDoctorCommand(a),
		mirror.NewPlanCommand(a),
		mirror.NewCopyCommand(a),
		mirror.NewReportCommand(a),
		mirror.NewDiffCommand(a),
		mirror.NewPruneCommand(a),
		mirror.NewExportCommand(a),
		mirror.NewLogoutCommand(a),
	)
	addGroup(root, "bundle", "Across an air gap:",
		airgap.NewSaveCommand(a),
		airgap.NewLoadCommand(a),
		airgap.NewReceiptCommand(a),
		airgap.NewBundleCommand(a),
		airgap.NewServeCommand(a),
	)
	addGroup(root, "cluster", "In the cluster:",
		incluster.NewInstallCommand(a),
		incluster.NewVerifyCommand(a),
		incluster.NewSecretCommand(a),
		incluster.NewNodesCommand(a),
		incluster.NewJobCommand(a),
		incluster.NewValuesCommand(a),
		incluster.NewRenderCommand(a),
		incluster.NewUpgradePreviewCommand(a), incluster.NewUninstallCommand(a),
	)
	addGroup(root, "any", "Without a catalogue:", anychart.NewChartCommand(a), anychart.NewManifestsCommand(a))
	addGroup(root, "about", "Look around:",
		about.NewDemoCommand(a),
		about.NewConfigCommand(a),
		about.NewCompletionCommand(a),
		about.NewSelfCommand(a),
		about.NewVersionCommand(a),
		about.NewStandInOperatorCommand(),
	)
	root.SetHelpCommand(usage.NewHelpCommand())
	root.SetHelpCommandGroupID("about")
	completion.CompleteSettings(a, root)
	return root
}

// setStreams gives cobra the streams that everything else uses.
func setStreams(root *cobra.Command, a *app.App) {
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
}

// addGroup adds commands that stand under one title in the root's help.
func addGroup(root *cobra.Command, id, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: id, Title: title})
	for _, cmd := range commands {
		cmd.GroupID = id
		cmd.Flags().SortFlags = false
		root.AddCommand(cmd)
	}
}
