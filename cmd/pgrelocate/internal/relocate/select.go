package relocate

import (
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// SelectionError says that the catalogue does not have what was selected.
type SelectionError struct{ Err error }

// Error is what it does not have.
func (e *SelectionError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SelectionError) Unwrap() error { return e.Err }

// unknown marks what the catalogue does not have; nil is nothing.
func unknown(err error) error {
	if err == nil {
		return nil
	}
	return &exit.UsageError{Err: &SelectionError{err}}
}

// Catalogue is the built-in catalogue with the user's own files over it, and with what the session
// has found at the source. It is loaded once.
func (s *Session) Catalogue() (*versions.Catalogue, error) {
	if s.learned != nil {
		return s.learned, nil
	}
	return s.catalogue()
}

// Hosts are the registries of both sides, as the settings and the catalogue name them; empty where
// none is named, or where artifacts come from several.
func (s *Session) Hosts() map[registry.Side]string {
	hosts := map[registry.Side]string{registry.SideSource: s.cfg.Source.Host, registry.SideTarget: s.cfg.Registry.Host}
	if artifacts, err := s.artifacts(ref.Folder{}); err == nil {
		hosts[registry.SideSource] = ownerOfCredentials(s.cfg, artifacts)
	}
	return hosts
}

// Product is the product of the settings.
func (s *Session) Product() (*versions.Product, error) { return s.ProductNamed(s.cfg.Product) }

// ProductNamed is a product of the catalogue.
func (s *Session) ProductNamed(name string) (*versions.Product, error) {
	catalogue, err := s.Catalogue()
	if err != nil {
		return nil, err
	}
	product, err := catalogue.Product(name)
	return product, unknown(err)
}

// Notice is what a user has to know about the software that was relocated; it may be empty.
func (s *Session) Notice() string {
	product, err := s.Product()
	if err != nil {
		return ""
	}
	return product.Notice
}

// artifacts lists what the settings select, with its place below target. It sends nothing:
// selecting what does not exist fails here.
func (s *Session) artifacts(target ref.Folder) ([]versions.Artifact, error) {
	catalogue, err := s.Catalogue()
	if err != nil {
		return nil, err
	}
	selection := s.selection()
	selection.Target = target
	selected, err := versions.Select(catalogue, selection)
	if err != nil || !s.cfg.Prerequisites.Wanted {
		return selected, unknown(err)
	}
	return s.withPrerequisites(catalogue, selected, target)
}

// selection is what the settings select, without a target.
func (s *Session) selection() versions.Selection {
	return versions.Selection{
		Product: s.cfg.Product, Releases: s.cfg.Releases, Versions: s.cfg.Versions, Editions: s.cfg.Editions,
		Extras: s.cfg.Extras, Axes: s.cfg.Axes, Source: s.cfg.Source.Folder, Sources: s.cfg.Source.Named,
	}
}

// sourceFolder and targetFolder say where artifacts come from and go to, as briefly as that
// can be said.
func sourceFolder(artifacts []versions.Artifact) string {
	references := make([]string, len(artifacts))
	for i, a := range artifacts {
		references[i] = a.Source.String()
	}
	return output.FolderOr(references, "several registries")
}

func targetFolder(artifacts []versions.Artifact) string {
	return output.FolderOr(targets(artifacts), "the target")
}

func targets(artifacts []versions.Artifact) []string {
	references := make([]string, len(artifacts))
	for i, a := range artifacts {
		references[i] = a.Target.String()
	}
	return references
}
