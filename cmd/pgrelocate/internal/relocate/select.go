package relocate

import (
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// SelectionError says that the catalogue does not have what was selected.
type SelectionError struct{ Err error }

// Error is what it does not have.
func (e *SelectionError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SelectionError) Unwrap() error { return e.Err }

// Unknown marks what the catalogue does not have; nil is nothing.
func Unknown(err error) error {
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

// Folders are those of all products in a registry that is named without a path: what lies outside
// of them is nothing that a bundle or a lock may choose by itself.
func (s *Session) Folders() ([]string, error) {
	catalogue, err := s.Catalogue()
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, product := range catalogue.Products() {
		folders = append(folders, product.Target)
	}
	return folders, nil
}

// Hosts are the registries of both sides, as the settings and the catalogue name them; empty where
// none is named, or where artifacts come from several.
func (s *Session) Hosts() map[registry.Side]string {
	hosts := map[registry.Side]string{registry.SideSource: s.Config.Source.Host, registry.SideTarget: s.Config.Registry.Host}
	if artifacts, err := s.Artifacts(ref.Folder{}); err == nil {
		hosts[registry.SideSource] = OwnerOfCredentials(s.Config, artifacts)
	}
	return hosts
}

// Product is the product of the settings.
func (s *Session) Product() (*versions.Product, error) { return s.ProductNamed(s.Config.Product) }

// ProductNamed is a product of the catalogue.
func (s *Session) ProductNamed(name string) (*versions.Product, error) {
	catalogue, err := s.Catalogue()
	if err != nil {
		return nil, err
	}
	product, err := catalogue.Product(name)
	return product, Unknown(err)
}

// ArtifactsAtVendor is the selection as its vendor names it, wherever it is copied from.
func (s *Session) ArtifactsAtVendor() ([]versions.Artifact, error) {
	own, cfg := *s, *s.Config
	cfg.Source = config.Source{}
	own.Config = &cfg
	return own.Artifacts(s.Config.Registry)
}

// CheckIndex refuses a form of index that says nothing without platforms.
func (s *Session) CheckIndex() error {
	if len(s.Config.Platforms) == 0 && (s.Config.Index == plan.IndexSparse || s.Config.Index == plan.IndexStrip) {
		return exit.Usagef("the index form %s says nothing without platforms", s.Config.Index)
	}
	return nil
}

// Notice is what a user has to know about the software that was relocated; it may be empty.
func (s *Session) Notice() string {
	product, err := s.Product()
	if err != nil {
		return ""
	}
	return product.Notice
}

// Artifacts lists what the settings select, with its place below target. It sends nothing:
// selecting what does not exist fails here.
func (s *Session) Artifacts(target ref.Folder) ([]versions.Artifact, error) {
	catalogue, err := s.Catalogue()
	if err != nil {
		return nil, err
	}
	selection := s.Selection()
	selection.Target = target
	if s.Config.Prerequisites.Wanted {
		needed, err := s.Prerequisites(catalogue)
		if err != nil {
			return nil, err
		}
		chosen, err := catalogue.Product(s.Config.Product)
		if err != nil {
			return nil, Unknown(err)
		}
		selection.Sources = withoutThoseOf(chosen, needed, selection.Sources)
	}
	selected, err := versions.Select(catalogue, selection)
	if err != nil || !s.Config.Prerequisites.Wanted {
		return selected, Unknown(err)
	}
	return s.withPrerequisites(catalogue, selected, target)
}

// Selection is what the settings select, without a target.
func (s *Session) Selection() versions.Selection {
	return versions.Selection{
		Product: s.Config.Product, Releases: s.Config.Releases, Versions: s.Config.Versions, Editions: s.Config.Editions,
		Extras: s.Config.Extras, Axes: s.Config.Axes, Source: s.Config.Source.Folder, Sources: s.Config.Source.Named,
	}
}

// SourceFolder says where artifacts come from, as briefly as that can be said.
func SourceFolder(artifacts []versions.Artifact) string {
	references := make([]string, len(artifacts))
	for i, a := range artifacts {
		references[i] = a.Source.String()
	}
	return output.FolderOr(references, "several registries")
}

// TargetFolder says where they go to.
func TargetFolder(artifacts []versions.Artifact) string {
	return output.FolderOr(targets(artifacts), "the target")
}

func targets(artifacts []versions.Artifact) []string {
	references := make([]string, len(artifacts))
	for i, a := range artifacts {
		references[i] = a.Target.String()
	}
	return references
}

// Adopt has the session go on with a catalogue in which there is also what was found at the source.
func (s *Session) Adopt(found *versions.Catalogue) { s.learned = found }

// Learned are the releases of the settings that were found at the source.
func (s *Session) Learned() []string {
	if s.learned == nil {
		return nil
	}
	known, err := s.catalogue()
	if err != nil {
		return nil
	}
	var all []string
	for _, name := range s.Config.Releases {
		if product, err := known.Product(s.Config.Product); err == nil {
			if _, err := product.Release(name); err != nil {
				all = append(all, name)
			}
		}
	}
	return all
}

// TargetOf is a product's folder in a registry.
func TargetOf(in ref.Folder, product *versions.Product) ref.Folder {
	if in.Path == "" {
		in.Path = product.Target
	}
	return in
}

// Repositories are those that artifacts go to.
func Repositories(artifacts []versions.Artifact) []string {
	all := make([]string, len(artifacts))
	for i, artifact := range artifacts {
		all[i] = artifact.Target.Repository
	}
	return all
}
