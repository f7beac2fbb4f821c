package clusters

import (
	"fmt"
	"io"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// WriteTable writes the versions, the release's own images before them and the namespaces
// after them. Where a terminal is too narrow for that, what all images have in common stands once
// above them; where it still is, reasons are left to the problems, which are told in any case.
func (v Check) WriteTable(w io.Writer) error {
	folder, images := "", v.images("", false)
	if !images.Fits() {
		folder = v.folder()
		images = v.images(folder, false)
	}
	if !images.Fits() {
		images = v.images(folder, true)
	}
	places := v.places(false)
	if !places.Fits() {
		places = v.places(true)
	}
	if folder != "" {
		if _, err := fmt.Fprintf(w, "images in %s:\n", folder); err != nil {
			return err
		}
	}
	if _, err := images.WriteTo(w); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	_, err := places.WriteTo(w)
	return err
}

// folder is what the names of all images have in common.
func (v Check) folder() string {
	var names []string
	for _, i := range v.Images {
		names = append(names, i.Image)
	}
	for _, version := range v.Versions {
		names = append(names, version.Image)
	}
	return ref.Common(names)
}

// images is the table of images, named as in a folder.
func (v Check) images(folder string, brief bool) *output.Grid {
	const dbVersion, digest = 1, 3
	grid := output.NewGrid("NAME", "DB VERSION", "IMAGE", "DIGEST", "PULLS").Fit(v.width, digest, dbVersion)
	for _, i := range v.Images {
		grid.Row("(operator)", "", output.Within(folder, i.Image), view.ShortDigest(i.Digest), i.verdict(brief))
	}
	for _, version := range v.Versions {
		verdict := version.verdict(brief)
		if version.Edited {
			verdict += ", edited by hand"
		}
		grid.Row(version.Name, version.DBVersion, output.Within(folder, version.Image), view.ShortDigest(version.Digest), verdict)
	}
	return grid
}

// places is the table of namespaces.
func (v Check) places(brief bool) *output.Grid {
	grid := output.NewGrid("NAMESPACE", "INSTANCES", "PULL SECRET", "STATE").Fit(v.width)
	for _, n := range v.Namespaces {
		state := n.Reason
		switch {
		case n.OK:
			state = "ok"
		case brief:
			state = "wrong"
		}
		grid.Row(n.Namespace, n.Instances, n.Secret, state)
	}
	return grid
}

func (i imageView) verdict(brief bool) string {
	switch {
	case i.Accepted != "" && brief:
		return "not asked"
	case i.Accepted != "":
		return "not asked: " + i.Accepted
	case !i.Pulls && brief:
		return "no"
	case !i.Pulls:
		return "no: " + i.Reason
	case i.Node != nil:
		return "yes, by a node"
	default:
		return "yes"
	}
}
