package view

import (
	"io"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// Config is the result of `pgrelocate config`.
type Config struct {
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

// NewConfig shows every setting with its origin.
func NewConfig(settings *config.Loader) Config {
	view := Config{Header: output.NewHeader("Config"), Files: append([]string{}, settings.Files()...)}
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

// WriteTable writes a line for each setting.
func (v Config) WriteTable(w io.Writer) error {
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
