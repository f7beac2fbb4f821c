package images

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/charts"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
)

// ManifestImages is the result of `pgrelocate manifests images`.
type ManifestImages struct {
	output.Header
	Images []manifestImageView `json:"images"`
}

type manifestImageView struct {
	Image string `json:"image"`
	// Repository says that the name has no tag, and that something else adds one.
	Repository bool                `json:"repository,omitempty"`
	Places     []manifestPlaceView `json:"places"`
}

// manifestPlaceView is a field of an object in a file.
type manifestPlaceView struct {
	// File is the file as it was given, or below the folder that was; Line is where the string
	// begins, counted from 1.
	File      string `json:"file"`
	Line      int    `json:"line"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Path      string `json:"path"`
}

// NewManifestImages shows what manifests name.
func NewManifestImages(found *charts.Manifests) ManifestImages {
	made := ManifestImages{Header: output.NewHeader("ManifestImages"), Images: []manifestImageView{}}
	at := map[string]int{}
	for _, file := range found.Files {
		for _, place := range file.Occurrences(found.Origin) {
			name := place.Image.String()
			i, known := at[name]
			if !known {
				i = len(made.Images)
				at[name] = i
				made.Images = append(made.Images, manifestImageView{Image: name, Repository: place.Repository})
			}
			made.Images[i].Places = append(made.Images[i].Places, manifestPlaceView{
				File: file.Name, Line: place.Line,
				Kind: place.Kind, Namespace: place.Namespace, Name: place.Name, Path: place.Path,
			})
		}
	}
	slices.SortFunc(made.Images, func(a, b manifestImageView) int { return cmp.Compare(a.Image, b.Image) })
	return made
}

// WriteTable writes a line for each place.
func (v ManifestImages) WriteTable(w io.Writer) error {
	grid := output.NewGrid("IMAGE", "WHERE", "PLACE")
	for _, image := range v.Images {
		for _, place := range image.Places {
			use := naming.Use{Kind: place.Kind, Namespace: place.Namespace, Name: place.Name, Path: place.Path}
			grid.Row(image.Image, fmt.Sprintf("%s:%d", place.File, place.Line), use)
		}
	}
	if _, err := grid.WriteTo(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", output.Count(len(v.Images), "image"))
	return err
}
