// Package write makes bundles: File into a file or volumes, which an interrupted run can be
// carried on with, and Stream through a pipe. The same content gives the same bytes.
package write

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/volumes"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
)

// MinVolume is the smallest size of a volume, in bytes.
const MinVolume = 1 << 20

const defaultJobs = 8

// Fetch opens the bytes of a blob from from up to to, by the rules of registry.Source's Blob.
// It is called from several goroutines.
type Fetch func(ctx context.Context, blob v1.Descriptor, from, to int64) (registry.Content, error)

// Options steer File and Stream. The zero value is ready.
type Options struct {
	// Jobs is how many blobs are fetched at once; 0 means 8.
	Jobs int
	// VolumeSize splits the bundle into files of so many bytes, MinVolume at least; 0
	// does not split it.
	VolumeSize int64
	// NoResume starts again where an interrupted run left something.
	NoResume bool
	// Overwrite replaces a bundle of the same name once the new one is complete.
	Overwrite bool
	// Meter receives progress; it may be nil.
	Meter *registry.Meter
	step  func(name string) error // of partial; nil but in tests

	// Notice is told, one line each, what a user should know; it may be nil.
	Notice func(string)
}

func (o Options) withDefaults() Options {
	if o.Jobs <= 0 {
		o.Jobs = defaultJobs
	}
	if o.Meter == nil {
		o.Meter = new(registry.Meter)
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	return o
}

// Result is a bundle that was written.
type Result struct {
	// Files are the bundle, or its volumes in order; none where it was streamed.
	Files []string
	// Checksum is the file for "sha256sum -c"; empty where the bundle was streamed.
	Checksum string
	// SHA256 is the sum, in hex, of each of Files, or of the stream.
	SHA256 []string
	// Size is that of the whole bundle, in bytes; Unique is that of its distinct blobs
	// and manifests, which is what it could not be smaller than.
	Size, Unique int64
	// Fetched is how many bytes of blobs were fetched, Resumed how many were there before.
	Fetched, Resumed int64
	// Lock is the bundle's.
	Lock *lock.Lock
}

// File makes a bundle at path, which appears there when it is complete. An interrupted
// run is continued: what it fetched is not fetched again.
func File(ctx context.Context, path string, c *Content, fetch Fetch, opts Options) (*Result, error) {
	if opts.VolumeSize != 0 && opts.VolumeSize < MinVolume {
		return nil, fmt.Errorf("volumes of %d bytes are too small: %d is the least", opts.VolumeSize, MinVolume)
	}
	l, err := newLayout(c)
	if err != nil {
		return nil, err
	}
	p, err := openPartial(path, l, opts)
	if err != nil {
		return nil, err
	}
	if opts.step != nil {
		p.step = opts.step
	}
	w := newWriter(p, fetch, opts.withDefaults())
	written, err := w.run(ctx)
	return written, errors.Join(err, p.Close())
}

// Check tells early what File refuses for path alone, before anybody has looked for content: that
// its folder takes no files, or that a bundle is there which may not be replaced.
func Check(path string, opts Options) error {
	if err := files.CheckWritable(path+".partial", true); err != nil {
		return &BundleError{Path: path, Err: files.Cause(err)}
	}
	if _, err := os.Lstat(journalName(path)); err == nil {
		return nil // what is there may be an interrupted run's own
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil //nolint:nilerr // nothing is there
	case isSpecial(info):
		return &BundleError{Path: path, Err: files.ErrIrregular}
	case opts.VolumeSize == 0 && !opts.Overwrite:
		return &BundleError{Path: path, Err: os.ErrExist}
	}
	return nil
}

// isSpecial tells a device, a socket or a pipe, which no file takes the place of.
func isSpecial(info fs.FileInfo) bool {
	return info.Mode()&(fs.ModeDevice|fs.ModeSocket|fs.ModeNamedPipe) != 0
}

// checkAbsent protects a bundle that is there, and volumes that would count as some of the
// new one's.
func checkAbsent(path string, l *layout, opts Options) error {
	names := volumes.Names(path, l.size, opts.VolumeSize)
	if opts.VolumeSize > 0 {
		names = append(names, bundleFiles(path)...)
		if name := stray(path); name != "" {
			return &BundleError{Path: name, Err: ErrStray}
		}
	}
	for _, name := range append(names, path) {
		info, err := os.Lstat(name)
		switch {
		case err != nil:
		case info.IsDir():
			return &BundleError{Path: name, Err: ErrFolder}
		case isSpecial(info):
			return &BundleError{Path: name, Err: files.ErrIrregular}
		case !opts.Overwrite:
			return &BundleError{Path: name, Err: os.ErrExist}
		}
	}
	if err := files.CheckFree(checksumName(path), opts.Overwrite); err != nil {
		return &BundleError{Path: checksumName(path), Err: files.Cause(err)}
	}
	return nil
}

// run carries the steps of File out, in order.
func (w *writer) run(ctx context.Context) (*Result, error) {
	for _, step := range []func(context.Context) error{
		w.checkSpace,
		w.writeFixed,
		w.recover,
		w.takeOver,
		w.fetchAndHash,
	} {
		if err := step(ctx); err != nil {
			if errors.Is(err, ErrNoSpace) {
				err = errors.Join(err, w.partial.forget())
			}
			return nil, err
		}
	}
	written := w.written()
	written.Checksum = checksumName(w.partial.path)
	finals, err := w.partial.finish(w.opts.Overwrite, func(finals []string) error {
		written.Files = finals
		return writeChecksum(written, w.opts.Overwrite)
	})
	if err != nil {
		return nil, err
	}
	if beside := volumes.Beside(w.partial.path); w.partial.volume == 0 && len(beside) > 0 {
		w.opts.Notice("volumes of another bundle lie beside it, and stay: " + beside[0])
	}
	written.Files = finals
	return written, nil
}

func checksumName(path string) string { return path + ".sha256" }

// writeChecksum writes the file for "sha256sum -c", which looks for the names beside it.
func writeChecksum(w *Result, overwrite bool) error {
	var b strings.Builder
	for i, name := range w.Files {
		fmt.Fprintf(&b, "%s  %s\n", w.SHA256[i], filepath.Base(name))
	}
	return files.Write(w.Checksum, []byte(b.String()), 0o644, overwrite)
}
