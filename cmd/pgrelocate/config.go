package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

func newConfigCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the settings and where each came from",
		Long: `Show every setting with its value and where that came from: a flag, the environment,
a config file, or the default. Credentials are never shown; their lines only say where
they would come from.

A setting can stand in three places; the first that has it wins:

  1. a flag:                  --registry registry.example.com
  2. the environment:         PGRELOCATE_REGISTRY=registry.example.com
  3. a config file:           registry: registry.example.com

Config files are ./pgrelocate.yaml and, weaker, pgrelocate/config.yaml in
$XDG_CONFIG_HOME (usually ~/.config). --config FILE or PGRELOCATE_CONFIG names one file
to be read instead of both.`,
		Example: `  # what would "copy" use here?
  pgrelocate config

  # the same for a script
  pgrelocate config -o json`,
		Args: noArgs,
		RunE: a.with(func(_ context.Context, cfg *config.Config, _ []string) error {
			return a.print(cfg, newConfigView(a.settings))
		}),
	}
	a.settings.AddFlags(cmd.Flags(), config.Selection, config.Sides, config.Connection, config.Copying, config.Output)
	return cmd
}

// configView is the result of `pgrelocate config`.
type configView struct {
	output.Header
	// Files are the config files that were read, the weaker first.
	Files    []string          `json:"files"`
	Settings []settingView     `json:"settings"`
	Secrets  []credentialsView `json:"credentials"`
}

type settingView struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
	// From names the flag, variable or file; empty for defaults.
	From string `json:"from,omitempty"`
}

// credentialsView says where the credentials of a side come from, and never what they are.
type credentialsView struct {
	Side string   `json:"side"`
	From []string `json:"from"`
}

func newConfigView(settings *config.Loader) configView {
	view := configView{Header: output.NewHeader("Config"), Files: append([]string{}, settings.Files()...)}
	for _, value := range settings.Values() {
		view.Settings = append(view.Settings, settingView{
			Key: value.Key, Value: value.Text, Origin: string(value.Origin.Kind), From: value.Origin.Name,
		})
	}
	for _, side := range []string{"source", "registry"} {
		view.Secrets = append(view.Secrets, credentialsView{Side: side, From: append([]string{}, config.CredentialsFrom(side)...)})
	}
	return view
}

func (v configView) WriteTable(w io.Writer) error {
	grid := output.NewGrid("SETTING", "VALUE", "FROM")
	for _, s := range v.Settings {
		grid.Row(s.Key, s.Value, config.Origin{Kind: config.Kind(s.Origin), Name: s.From})
	}
	for _, c := range v.Secrets {
		if len(c.From) == 0 {
			grid.Row(c.Side+" credentials", "", "docker config")
		}
		for _, name := range c.From {
			grid.Row(c.Side+" credentials", "(set)", "environment "+name)
		}
	}
	_, err := grid.WriteTo(w)
	return err
}
