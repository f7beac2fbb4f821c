package main

import (
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// catalogue is the built-in catalogue with the user's own files over it.
func (a *app) catalogue(cfg *config.Config) (*versions.Catalogue, error) {
	catalogue, err := versions.Load(cfg.Catalogues...)
	if err != nil {
		return nil, &exit.UsageError{Err: err}
	}
	return catalogue, nil
}

// selection is what the settings say of the catalogue.
func selection(cfg *config.Config) versions.Selection {
	return versions.Selection{
		Product:  cfg.Product,
		Releases: cfg.Releases,
		Versions: cfg.Versions,
		Editions: cfg.Editions,
		Extras:   cfg.Extras,
		Source:   cfg.Source,
		Target:   cfg.Registry,
	}
}

// unknownAdvice is for whoever selects what the catalogue does not know.
const unknownAdvice = "`pgrelocate versions` lists what is known; --catalogue FILE adds releases to that"

// artifacts lists what the settings select. It sends nothing: selecting what does not
// exist fails here.
func (a *app) artifacts(cfg *config.Config) ([]versions.Artifact, error) {
	catalogue, err := a.catalogue(cfg)
	if err != nil {
		return nil, err
	}
	selected, err := versions.Select(catalogue, selection(cfg))
	if err != nil {
		return nil, &exit.UsageError{Err: err, Advice: unknownAdvice}
	}
	return selected, nil
}

// needRegistry refuses to go on without a private registry.
func needRegistry(cfg *config.Config) error {
	if cfg.Registry.IsZero() {
		return exit.Usagef("which private registry? --registry HOST[/PATH] is missing").
			WithHint("it may also stand in %s (registry: HOST) or in %s", config.LocalFile, config.Variable("registry"))
	}
	return nil
}
