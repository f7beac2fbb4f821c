package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/volumes"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNoArchive: there is not even the beginning of a tar.
	ErrNoArchive = errors.New("not a bundle: neither a tar nor one that gzip has compressed")
	// ErrOtherFolder: a folder that has nothing of a bundle.
	ErrOtherFolder = errors.New("the folder is no bundle: it has neither an OCI image layout nor a download with images/*.tar")
	// ErrLinked: what is a link says nothing of what it leads to, which may be any file of this machine.
	ErrLinked = errors.New("it is a link, and none in a bundle is followed: it may lead to anything on this machine")
	// ErrEmpty: there is nothing at all.
	ErrEmpty = errors.New("it is empty")
	// ErrTruncated: the end of the file is missing.
	ErrTruncated = volumes.ErrTruncated
	// ErrMixed: volumes that make no archive together.
	ErrMixed = errors.New("the volumes do not fit together")
	// ErrNoSpace: what has to be kept does not fit on the disk, which says nothing of the
	// archive.
	ErrNoSpace = errors.New("not enough disk space")

	// errNoTar: what began as a tar does not go on as one.
	errNoTar = errors.New("not a tar")
)

// Options steer Open. The zero value is ready.
type Options struct {
	// Volumes are further volumes, in any order, where they do not all lie beside the
	// first. Volumes that lie beside a known one are found.
	Volumes []string
	// TempDir receives, unlinked, what comes through a pipe and the distinct files of a
	// compressed archive, which can be read from its beginning only; empty means os.TempDir.
	TempDir string
	// Needs are files that have to be there, in an archive that is not compressed. Where they
	// are not, it is ErrNeeds or ErrPacked, and nothing is read or unpacked but names.
	Needs []string
}

// Open opens a file, its volumes (any of them, or the name without the number), a pipe, or a
// directory. The context is for opening alone. The caller closes the archive.
func Open(ctx context.Context, path string, opts Options) (*Archive, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return openFolder(ctx, path, opts)
	}
	if len(opts.Volumes) == 0 && files.IsPipe(path) {
		pipe, err := files.OpenPipe(ctx, path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = pipe.Close() }() // all of it is kept elsewhere by then
		return OpenReader(ctx, pipe, opts)
	}
	names, err := volumes.Find(path, opts.Volumes)
	if err != nil {
		return nil, err
	}
	v, err := volumes.Read(names)
	if err != nil {
		return nil, err
	}
	a, err := openFile(ctx, v, opts)
	if err != nil {
		if errors.Is(err, ErrTruncated) {
			err = volumes.NameMissing(names, v, err)
		}
		if len(names) > 1 && errors.Is(err, errNoTar) {
			err = fmt.Errorf("%w: %w", ErrMixed, err)
		}
		return nil, errors.Join(err, v.Close())
	}
	a.close = joinClose(a.close, v.Close)
	return a, nil
}

func joinClose(closers ...func() error) func() error {
	return func() error {
		var errs []error
		for _, c := range closers {
			if c != nil {
				errs = append(errs, c())
			}
		}
		return errors.Join(errs...)
	}
}

var gzipMagic = []byte{0x1f, 0x8b}

// beginnings are those of files that other tools have packed.
var beginnings = map[string]string{
	"xz": "\xfd7zXZ", "zstd": "\x28\xb5\x2f\xfd", "bzip2": "BZh", "zip": "PK\x03\x04", "7z": "7z\xbc\xaf\x27\x1c",
}

// foreign says of a file that is no archive which other tool wrote it, where its beginning tells.
func foreign(head []byte, err error) error {
	for tool, magic := range beginnings {
		if bytes.HasPrefix(head, []byte(magic)) {
			return fmt.Errorf("%w: it was written by %s, and of what is compressed only gzip is read; unpack it first", err, tool)
		}
	}
	return err
}

// openFile tells the formats of one file apart.
func openFile(ctx context.Context, v *volumes.Set, opts Options) (*Archive, error) {
	head := make([]byte, 8)
	if _, err := v.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(head, gzipMagic) {
		if len(opts.Needs) > 0 {
			return nil, ErrPacked
		}
		return openCompressed(ctx, io.NewSectionReader(v, 0, v.Size()), opts)
	}
	members, err := scanner{at: v, size: v.Size(), links: true}.members(ctx)
	if errors.Is(err, ErrNoArchive) {
		err = foreign(head, err)
	}
	if err != nil {
		return nil, err
	}
	err = opts.needed(func(name string) bool {
		return slices.ContainsFunc(members, func(m member) bool { return m.name == name })
	})
	if err != nil {
		return nil, err
	}
	return fromMembers(ctx, members)
}

// fromMembers makes an archive of a tar's files, whatever the format.
func fromMembers(ctx context.Context, members []member) (*Archive, error) {
	has := make(map[string]bool)
	for _, m := range members {
		has[m.name] = true
	}
	switch {
	case has[imagelayout.VersionFile] && has[imagelayout.IndexFile]:
		return fromLayout(members)
	case has[imagelayout.DockerFile]:
		return fromDocker(ctx, members)
	default:
		return fromDownload(ctx, members)
	}
}

// fromLayout sorts the files of an OCI image layout.
func fromLayout(members []member) (*Archive, error) {
	a := newArchive()
	for _, m := range members {
		if m.link != "" {
			return nil, fmt.Errorf("entry %q: %w", m.name, ErrLinked)
		}
		a.add(m.name, m.section)
	}
	return a, nil
}

// OpenReader opens an archive that comes through a pipe. It has to be whole before any of
// it can be believed, so it is kept in a temporary file without a name until Close. What
// is a regular file after all is read where it lies.
func OpenReader(ctx context.Context, r io.Reader, opts Options) (*Archive, error) {
	v, err := kept(ctx, r, opts.TempDir)
	if err != nil {
		return nil, err
	}
	a, err := openFile(ctx, v, opts)
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	a.close = joinClose(a.close, v.Close)
	return a, nil
}

// kept is what comes out of a pipe, as one file.
func kept(ctx context.Context, r io.Reader, folder string) (*volumes.Set, error) {
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return volumes.Of(f, info.Size()), nil
		}
	}
	f, err := files.Unnamed(folder)
	if err != nil {
		return nil, err
	}
	n, err := files.Keep(ctx, f, r)
	if err != nil {
		return nil, err
	}
	return volumes.Of(f, n), nil
}
