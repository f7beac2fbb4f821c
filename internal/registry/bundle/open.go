package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
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
	// SpoolDir receives, unlinked, the distinct files of a compressed archive, which can
	// be read from its beginning only; empty means os.TempDir.
	SpoolDir string
	// PublicKey, in minisign's format, refuses every bundle that was not signed with it;
	// empty asks for no signature.
	PublicKey string
}

func (o OpenOptions) withDefaults() OpenOptions {
	if o.Catalogue == nil {
		o.Catalogue = versions.Builtin()
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
	opts = opts.withDefaults()
	a, err := openArchive(ctx, path, opts)
	if err != nil {
		return nil, openError(ctx, path, err)
	}
	b, err := newBundle(ctx, path, a, opts)
	if err != nil {
		return nil, openError(ctx, path, errors.Join(err, a.close()))
	}
	return b, nil
}

func openError(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e := &registry.Error{Op: "opening bundle", Ref: path, Err: err}
	var own *registry.Error
	switch {
	case errors.As(err, &own):
		return err
	case errors.Is(err, ErrNoSpace), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EFBIG):
		e.Hint = "name a folder with more room: --spool-dir FOLDER, or TMPDIR in the environment"
	case errors.Is(err, errNoName):
		e.Hint = "say it with --name HOST/REPOSITORY:TAG"
	case errors.Is(err, errVolumeMissing):
		e.Hint = "volumes on other disks are named too, each with a further -f"
	case errors.Is(err, errMixed):
		e.Hint = "a volume may belong to another bundle: compare them with the checksum file, sha256sum -c"
	case errors.Is(err, errTruncated):
		e.Hint = "the file was not copied to its end: compare its size, or run sha256sum -c on the checksum file beside it"
	}
	return e
}

// openArchive finds out what path is.
func openArchive(ctx context.Context, path string, opts OpenOptions) (*archive, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return openFolder(ctx, path, opts)
	}
	names, err := findVolumes(path, opts.Volumes)
	if err != nil {
		return nil, err
	}
	v, err := readVolumes(names)
	if err != nil {
		return nil, err
	}
	a, err := openFile(ctx, v, opts)
	if err != nil {
		if errors.Is(err, errTruncated) {
			err = nameMissing(names, v, err)
		}
		if len(names) > 1 && errors.Is(err, errNoTar) {
			err = fmt.Errorf("%w: %w", errMixed, err)
		}
		return nil, errors.Join(err, v.Close())
	}
	a.close = joinClose(a.close, v.Close)
	return a, nil
}

// errMixed: volumes that make no archive together.
var errMixed = errors.New("the volumes do not fit together")

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

// openFile tells the formats of one file apart.
func openFile(ctx context.Context, v *volumes, opts OpenOptions) (*archive, error) {
	head := make([]byte, len(gzipMagic))
	if _, err := v.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.Equal(head, gzipMagic) {
		return openCompressed(ctx, io.NewSectionReader(v, 0, v.size), opts)
	}
	members, err := scanner{at: v, size: v.size, links: true}.members(ctx)
	if err != nil {
		return nil, err
	}
	return fromMembers(ctx, members, opts)
}

// fromMembers makes an archive of a tar's files, whatever the format.
func fromMembers(ctx context.Context, members []member, opts OpenOptions) (*archive, error) {
	has := make(map[string]bool)
	for _, m := range members {
		has[m.name] = true
	}
	switch {
	case has[layoutName] && has[indexName]:
		return fromLayout(members)
	case has[dockerName]:
		return fromDocker(ctx, members)
	default:
		return fromDownload(ctx, members, opts)
	}
}

// fromLayout sorts the files of an OCI image layout.
func fromLayout(members []member) (*archive, error) {
	a := newArchive()
	for _, m := range members {
		if m.link != "" {
			return nil, fmt.Errorf("entry %q is a link", m.name)
		}
		a.add(m.name, m.section)
	}
	return a, nil
}

// OpenReader opens a bundle that comes through a pipe. It has to be whole before any of
// it can be believed, so it is kept in a temporary file without a name until Close. What
// is a regular file after all is read where it lies.
func OpenReader(ctx context.Context, r io.Reader, opts OpenOptions) (*Bundle, error) {
	const name = "standard input"
	opts = opts.withDefaults()
	v, err := spooled(ctx, r, opts)
	if err != nil {
		return nil, openError(ctx, name, err)
	}
	a, err := openFile(ctx, v, opts)
	if err != nil {
		return nil, openError(ctx, name, errors.Join(err, v.Close()))
	}
	a.close = joinClose(a.close, v.Close)
	b, err := newBundle(ctx, name, a, opts)
	if err != nil {
		return nil, openError(ctx, name, errors.Join(err, a.close()))
	}
	return b, nil
}

func spooled(ctx context.Context, r io.Reader, opts OpenOptions) (*volumes, error) {
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return &volumes{files: []*os.File{f}, each: max(1, info.Size()), size: info.Size()}, nil
		}
	}
	folder := opts.SpoolDir
	if folder == "" {
		folder = os.TempDir()
	}
	f, err := unnamedFile(folder)
	if err != nil {
		return nil, err
	}
	n, err := copyUntil(ctx, f, r)
	if err != nil {
		return nil, err
	}
	return &volumes{files: []*os.File{f}, each: max(1, n), size: n}, nil
}

// copyUntil copies r to the file, which it closes where it fails. A pipe may be silent for
// ever: once the context ends nobody waits for it any more.
func copyUntil(ctx context.Context, f *os.File, r io.Reader) (int64, error) {
	var n int64
	done := make(chan error, 1)
	go func() {
		buffer := buffers.Get().(*[]byte)
		defer buffers.Put(buffer)
		var err error
		n, err = io.CopyBuffer(struct{ io.Writer }{f}, stoppable{ctx, r}, *buffer)
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx) // nobody waits for the file any more
		}
		if err != nil {
			err = errors.Join(err, f.Close())
		}
		done <- err
	}()
	select {
	case err := <-done:
		return n, err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// stoppable is a reader that ends with a context, and shows no other method by which a
// copy would go round its buffer.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.r.Read(p)
}
