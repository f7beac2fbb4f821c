package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
)

// openFolder opens a directory: an OCI image layout, or an unpacked download.
func openFolder(ctx context.Context, path string, opts Options) (*Archive, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	members, err := folderMembers(ctx, root)
	if err == nil {
		err = opts.needed(func(name string) bool {
			return slices.ContainsFunc(members, func(m folderMember) bool { return m.name == name })
		})
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	a, err := fromFolder(ctx, root, members)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	a.close = joinClose(a.close, root.Close)
	return a, nil
}

type folderMember struct {
	name string
	size int64
}

// folderMembers lists the regular files below root. A link is followed by nobody; one in a folder that is no bundle
// does not matter.
func folderMembers(ctx context.Context, root *os.Root) ([]folderMember, error) {
	var all []folderMember
	var odd error // the first that is no regular file
	ofAny := false
	seen := newNames(new(int))
	err := fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		ofAny = ofAny || ofBundle(folderMember{name: name})
		if !info.Mode().IsRegular() {
			ofAny = ofAny || name == imagesFolder || name == imagelayout.BlobsFolder // in the place of a folder
			odd = cmp.Or(odd, irregular(name, info.Mode()))
			return nil
		}
		if len(all) == maxEntries {
			return fmt.Errorf("more than %d files", maxEntries)
		}
		if err := seen.add(member{name: name}); err != nil {
			return err
		}
		all = append(all, folderMember{name, info.Size()})
		return nil
	})
	if err == nil && ofAny {
		err = odd
	}
	return all, err
}

// irregular says what is wrong with something that is no file.
func irregular(name string, mode fs.FileMode) error {
	if mode&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s: %w", name, ErrLinked)
	}
	return fmt.Errorf("%s is no regular file", name)
}

func fromFolder(ctx context.Context, root *os.Root, members []folderMember) (*Archive, error) {
	a := newArchive()
	for _, m := range members {
		a.add(m.name, inFolder{root, m.name, m.size})
	}
	if a.Files[imagelayout.VersionFile] != nil && a.Files[imagelayout.IndexFile] != nil {
		return a, nil
	}
	if !slices.ContainsFunc(members, ofBundle) {
		return nil, ErrOtherFolder
	}
	return unpackedDownload(ctx, root, members)
}

// ofBundle tells whether a file is of an image layout, or an image of a download.
func ofBundle(m folderMember) bool {
	if _, isImage := kindOf(member{name: m.name}); isImage {
		return true
	}
	return m.name == imagelayout.VersionFile || m.name == imagelayout.IndexFile || strings.HasPrefix(m.name, imagelayout.BlobsFolder+"/")
}

// unpackedDownload reads the files of a download that lie in a directory.
func unpackedDownload(ctx context.Context, root *os.Root, members []folderMember) (*Archive, error) {
	var all []member
	var closers []func() error
	fail := func(err error) (*Archive, error) {
		return nil, errors.Join(err, joinClose(closers...)())
	}
	for _, m := range members {
		f, err := root.Open(m.name)
		if err != nil {
			return fail(err)
		}
		closers = append(closers, f.Close)
		all = append(all, member{name: m.name, section: section{f, 0, m.size}})
		if len(closers) > 1000 {
			return fail(errors.New("neither an OCI image layout nor a download: too many files"))
		}
	}
	a, err := fromDownload(ctx, all)
	if err != nil {
		return fail(err)
	}
	a.close = joinClose(append(closers, a.close)...)
	return a, nil
}
