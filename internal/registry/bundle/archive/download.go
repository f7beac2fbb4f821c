package archive

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
)

// A vendor's download is an archive of archives: a docker archive for each image under
// images/, and the chart, packed or not, under operator/.

const (
	imagesFolder = "images"
	chartFolder  = "operator"
)

// fromDownload reads a download. What is neither image nor chart is left alone.
func fromDownload(ctx context.Context, members []member) (*Archive, error) {
	all := newImages()
	var chart []member
	for _, m := range members {
		switch folder, isImage := kindOf(m); {
		case isImage:
			if err := all.addArchive(ctx, m); err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
		case folder == imagesFolder && compressed(m.name):
			return nil, fmt.Errorf("%s is compressed inside of the download; unpack it first", m.name)
		case folder == chartFolder:
			chart = append(chart, m)
		}
	}
	if len(all.index.Manifests) == 0 {
		return nil, errors.New("neither an OCI image layout, nor a docker archive, nor a download with images/*.tar")
	}
	if err := all.addCharts(ctx, chart); err != nil {
		return nil, err
	}
	return all.layout(), nil
}

// compressed tells from the name of a file among the images that it is one, packed once more: leaving it out
// would be a mirror without it.
func compressed(name string) bool {
	return slices.Contains([]string{".gz", ".tgz", ".xz", ".zst", ".bz2"}, path.Ext(name))
}

// kindOf tells in which of a download's folders a file is, below whatever top folder,
// and whether it is an image there.
func kindOf(m member) (folder string, isImage bool) {
	elements := strings.Split(m.name, "/")
	for _, e := range elements[:len(elements)-1] {
		if e == imagesFolder {
			return e, path.Ext(m.name) == ".tar" && m.link == ""
		}
		if e == chartFolder {
			return e, false
		}
	}
	return "", false
}

// addArchive adds the images of an archive inside the archive.
func (all *collector) addArchive(ctx context.Context, m member) error {
	inner := m.inner
	if inner == nil {
		var err error
		if inner, err = (scanner{at: section{m.at, m.offset, m.size}, size: m.size, links: true}).members(ctx); err != nil {
			return err
		}
	}
	for _, i := range inner {
		if i.name == imagelayout.VersionFile {
			return all.addLayout(inner)
		}
	}
	return all.addDocker(ctx, inner)
}

// addLayout adds what newer versions of docker write: their archives are layouts too,
// and keep the digests.
func (all *collector) addLayout(members []member) error {
	a, err := fromLayout(withoutLinks(members))
	if err != nil {
		return err
	}
	index, err := ReadIndex(a)
	if err != nil {
		return err
	}
	all.index.Manifests = append(all.index.Manifests, index.Manifests...)
	for digest, f := range a.Blobs {
		all.archive.Blobs[digest] = f
	}
	return nil
}

// withoutLinks leaves out the links by which layouts of docker stay readable for old
// versions of it.
func withoutLinks(members []member) []member {
	var all []member
	for _, m := range members {
		if m.link == "" {
			all = append(all, m)
		}
	}
	return all
}
