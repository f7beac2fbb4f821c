package naming

import (
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Origin is where a product comes from. Names of images that nothing else marks as such are
// known by it: Docker Hub's short ones, which look like any two words. The zero value knows none.
type Origin struct {
	// Folders are the registries, with their folders, that the product comes from.
	Folders []ref.Folder
	// Images are the product's own, as its vendor names them.
	Images []ref.Reference
}

// OriginOf collects where releases and some artifacts come from.
func OriginOf(artifacts []versions.Artifact, releases ...*versions.Release) Origin {
	var origin Origin
	for _, release := range releases {
		for _, location := range release.Locations() {
			origin.add(location.Registry, location.Vendor())
		}
	}
	for _, artifact := range artifacts {
		origin.add(artifact.Source.Parent(), artifact.Source)
	}
	return origin
}

func (o *Origin) add(folder ref.Folder, image ref.Reference) {
	if !folder.IsZero() && !slices.Contains(o.Folders, folder) {
		o.Folders = append(o.Folders, folder)
	}
	if image = image.Canonical(); !slices.Contains(o.Images, image) {
		o.Images = append(o.Images, image)
	}
}

// holds tells whether the origin has the image, or the repository.
func (o Origin) holds(image ref.Reference) bool {
	return slices.ContainsFunc(o.Folders, func(f ref.Folder) bool { return f.Holds(image) }) ||
		slices.ContainsFunc(o.Images, func(own ref.Reference) bool { return own.Name() == image.Canonical().Name() })
}

// Below is where an image lies in a folder that takes the place of where it comes from: by its
// name below the registry that the product comes from, or else by the whole of its repository.
func (o Origin) Below(folder ref.Folder, image ref.Reference) ref.Reference {
	image = image.Canonical()
	prefix, found := "", false
	for _, from := range o.Folders {
		// The shortest is the registry's own; the others are those of its repositories.
		if from.Holds(image) && (!found || len(from.Path) < len(prefix)) {
			prefix, found = from.Path, true
		}
	}
	at := folder.Reference(strings.TrimPrefix(strings.TrimPrefix(image.Repository, prefix), "/"), image.Tag)
	at.Digest = image.Digest
	return at
}

// hub are the folders of Docker Hub in which every short name is taken for an image's. Where
// a folder is a whole registry, or holds the names of one word, that would be any text.
func (o Origin) hub() []ref.Folder {
	var folders []ref.Folder
	for _, f := range o.Folders {
		if ref.CanonicalHost(f.Host) == ref.DockerHub && f.Path != "" && f.Path != "library" {
			folders = append(folders, f)
		}
	}
	for _, image := range o.Images {
		if parent := image.Parent(); parent.Host == ref.DockerHub && parent.Path != "library" {
			folders = append(folders, parent)
		}
	}
	return folders
}

// spellings are the ways to write a folder at the beginning of a reference.
func spellings(f ref.Folder) []string {
	var all []string
	for _, host := range ref.Hosts(f.Host) {
		all = append(all, strings.TrimSuffix(host+"/"+f.Path, "/"))
	}
	return all
}
