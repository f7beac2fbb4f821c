package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// OpenOptions steer Open. The zero value is ready.
type OpenOptions struct {
	// Volumes are further volumes, in any order, where they do not all lie beside the
	// first. Volumes that lie beside a known one are found.
	Volumes []string
	// Name is HOST/REPOSITORY[:TAG] for what was written by a tool that keeps only a tag,
	// or nothing.
	Name ref.Reference
	// Catalogue knows where a product's images belong in a private registry; nil is the
	// built-in one. It is asked for bundles without a lock only.
	Catalogue *versions.Catalogue
	// TempDir receives, unlinked, the distinct files of a compressed archive, which can
	// be read from its beginning only; empty means os.TempDir.
	TempDir string
	// PublicKey, in minisign's format, refuses every bundle that was not signed with it;
	// empty asks for no signature.
	PublicKey string
}

func (o OpenOptions) withDefaults() OpenOptions {
	if o.Catalogue == nil {
		o.Catalogue = catalogue.Builtin()
	}
	return o
}

// Open opens a bundle: a file, its volumes (any of them, or the name without the
// number), or a directory with an OCI image layout. Layouts of other tools, archives of
// "docker save", and a vendor's download of such archives will do as well.
//
// Open reads names, manifests and the lock, and finds everything that is missing, twice,
// or not what it claims to be; only the content of the blobs is left to Verify. The
// caller closes the bundle. The context is for opening alone.
func Open(ctx context.Context, path string, opts OpenOptions) (*Bundle, error) {
	a, err := archive.Open(ctx, path, opts.archive())
	if err != nil {
		return nil, openError(ctx, path, err)
	}
	return opened(ctx, path, a, opts)
}

// OpenError says that a bundle cannot be opened. errors.Is tells the errors of this package, and
// those of package archive and its volumes.
type OpenError struct {
	// Name is the bundle's.
	Name string
	Err  error
}

// Error names the bundle and the cause.
func (e *OpenError) Error() string { return fmt.Sprintf("opening bundle %s: %v", e.Name, e.Err) }

// Unwrap returns the cause.
func (e *OpenError) Unwrap() error { return e.Err }

func openError(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch {
	case errors.Is(err, archive.ErrNeeds):
		err = errUnsigned
	case errors.Is(err, archive.ErrPacked):
		err = fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return &OpenError{Name: name, Err: err}
}

// OpenReader opens a bundle that comes through a pipe. It has to be whole before any of
// it can be believed, so it is kept in a temporary file without a name until Close. What
// is a regular file after all is read where it lies.
func OpenReader(ctx context.Context, r io.Reader, opts OpenOptions) (*Bundle, error) {
	const name = "standard input"
	a, err := archive.OpenReader(ctx, r, opts.archive())
	if err != nil {
		return nil, openError(ctx, name, err)
	}
	return opened(ctx, name, a, opts)
}

// opened makes a bundle of an archive, which it closes where it fails.
func opened(ctx context.Context, name string, a *archive.Archive, opts OpenOptions) (*Bundle, error) {
	b, err := newBundle(ctx, name, a, opts.withDefaults())
	if err != nil {
		return nil, openError(ctx, name, errors.Join(err, a.Close()))
	}
	return b, nil
}

func (o OpenOptions) archive() archive.Options {
	opts := archive.Options{Volumes: o.Volumes, TempDir: o.TempDir}
	if o.PublicKey != "" { // what cannot be ours is not even looked into
		opts.Needs = []string{write.LockFile, write.SignatureFile}
	}
	return opts
}

// ReadLock reads a lock from a file of its own, a receipt for example, or out of a bundle. A
// receipt may come out of a pipe.
func ReadLock(ctx context.Context, path string) (*lock.Lock, error) {
	if !files.IsPipe(path) {
		if lone, err := IsLock(path); err != nil || !lone {
			return lockOfBundle(ctx, path, err)
		}
	}
	body, err := files.ReadSmall(ctx, path, lock.MaxSize)
	if err != nil {
		return nil, err
	}
	found, err := lock.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if found.Planned { // nobody has carried it out, as far as it says
		return nil, fmt.Errorf("%s: %w", path, lock.ErrPlanned)
	}
	return found, nil
}

// IsLock tells a file with a lock alone from a bundle, by how it begins.
func IsLock(path string) (bool, error) {
	if err := files.CheckRegular(path); err != nil {
		return false, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 1)
	_, err = io.ReadFull(f, head)
	return err == nil && head[0] == '{', nil
}

func lockOfBundle(ctx context.Context, path string, err error) (*lock.Lock, error) {
	if err != nil {
		return nil, err
	}
	b, err := Open(ctx, path, OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return b.Lock(), nil
}
