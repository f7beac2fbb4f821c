package locking

import (
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
)

// SelectionOf is what the settings ask for, with the artifacts that this comes to, as it stands in a lock.
func SelectionOf(s *relocate.Session, artifacts []versions.Artifact) *lock.Selection {
	selection := &lock.Selection{
		Product: s.Config.Product, Releases: []string{}, Versions: s.Config.Versions.String(),
		Editions: sorted(s.Config.Editions), Extras: sorted(s.Config.Extras), Axes: s.Config.Axes,
		ChartImages: s.Config.ChartImages, WithoutAttachments: !s.Config.Signatures, Registry: s.Config.Registry.String(),
	}
	for _, a := range artifacts {
		if a.Product == s.Config.Product && !slices.Contains(selection.Releases, a.Release) {
			selection.Releases = append(selection.Releases, a.Release)
		}
	}
	slices.SortFunc(selection.Releases, releasename.Compare)
	if s.Config.Prerequisites.Wanted {
		for _, a := range artifacts {
			if name := a.Product + "=" + a.Release; a.Product != s.Config.Product && !slices.Contains(selection.Prerequisites, name) {
				selection.Prerequisites = append(selection.Prerequisites, name)
			}
		}
		slices.Sort(selection.Prerequisites)
	}
	for _, p := range s.Config.Platforms {
		selection.Platforms = append(selection.Platforms, p.String())
	}
	if slices.Sort(selection.Platforms); len(selection.Platforms) > 0 {
		selection.Index = string(s.Config.Index)
	}
	if !s.Config.Source.Folder.IsZero() {
		selection.Sources = append(selection.Sources, s.Config.Source.Folder.String())
	}
	for name, folder := range s.Config.Source.Named {
		selection.Sources = append(selection.Sources, name+"="+folder.String())
	}
	slices.Sort(selection.Sources)
	return selection
}

func sorted[T ~string](words []T) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	slices.Sort(all)
	return all
}
