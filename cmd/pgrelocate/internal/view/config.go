package view

import (
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
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
	Side string `json:"side"`
	// Host is the registry that they are for; empty where none is named, or artifacts come from
	// several.
	Host string `json:"host,omitempty"`
	// From are the variables that hold them, or the file or program that has a login for the host;
	// empty where there is none, and where that is not known.
	From []string `json:"from"`
	// Error is why it is not known whether there is one; absent where it is.
	Error string `json:"error,omitempty"`
}

// NewConfig shows every setting with its origin; hosts are the registries of both sides.
func NewConfig(settings *config.Loader, hosts map[registry.Side]string) Config {
	view := Config{Header: output.NewHeader("Config"), Files: append([]string{}, settings.Files()...)}
	for _, value := range settings.Values() {
		view.Settings = append(view.Settings, settingView{
			Key: value.Key, Value: value.Text, Origin: string(value.Origin.Kind), From: value.Origin.Name,
		})
	}
	view.Secrets = []credentialsView{
		newCredentialsView("source", hosts[registry.SideSource]),
		newCredentialsView("registry", hosts[registry.SideTarget]),
	}
	return view
}

func newCredentialsView(side, host string) credentialsView {
	view := credentialsView{Side: side, Host: host, From: append([]string{}, config.CredentialsFrom(side)...)}
	if len(view.From) > 0 || host == "" {
		return view
	}
	switch place, ok, err := credentials.Located(host); {
	case err != nil:
		view.Error = err.Error()
	case ok:
		view.From = append(view.From, place.String())
	}
	return view
}

// none says that there are no credentials, or why nobody knows.
func (v credentialsView) none() string {
	switch {
	case v.Host == "":
		return "no registry is named"
	case v.Error != "":
		return "not known: " + v.Error
	default:
		return "no login for " + v.Host
	}
}

// WriteTable writes a line for each setting.
func (v Config) WriteTable(w io.Writer) error {
	grid := output.NewGrid("SETTING", "VALUE", "FROM")
	for _, s := range v.Settings {
		grid.Row(s.Key, s.Value, config.Origin{Kind: config.Kind(s.Origin), Name: s.From})
	}
	for _, c := range v.Secrets {
		if len(c.From) == 0 {
			grid.Row(c.Side+" credentials", "", c.none())
		}
		for _, name := range c.From {
			value := "(set)"
			if strings.HasPrefix(name, config.Variable(c.Side)) || name == credentials.DockerVariable {
				name = "environment " + name
			} else if strings.HasPrefix(name, "docker-credential-") {
				value = "(asked)" // it may have none
			}
			grid.Row(c.Side+" credentials", value, name)
		}
	}
	_, err := grid.WriteTo(w)
	return err
}
