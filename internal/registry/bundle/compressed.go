package bundle

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// A compressed archive can be read from its beginning only, and the copy engine wants
// the largest blob first. So it is read once, and each distinct file in it is kept in a
// temporary file that has no name any more: layers that the images share are kept once.

// openCompressed reads a compressed archive of any format.
func openCompressed(ctx context.Context, r io.Reader, opts OpenOptions) (*archive, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	s, err := newSpool(opts.SpoolDir)
	if err != nil {
		return nil, err
	}
	members, err := s.unpack(stoppable{ctx, z})
	if err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	a, err := fromMembers(ctx, members, opts)
	if err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	a.close = joinClose(a.close, s.file.Close)
	return a, nil
}

// ErrNoSpace: what has to be kept does not fit on the disk, which says nothing of the bundle.
var ErrNoSpace = errors.New("not enough disk space")

// spool keeps distinct files.
type spool struct {
	folder  string
	file    *os.File
	end     int64
	known   map[[sha256.Size]byte]section
	entries int
	// named is the bytes of all names.
	named int
}

func newSpool(folder string) (*spool, error) {
	if folder == "" {
		folder = os.TempDir()
	}
	f, err := unnamedFile(folder)
	if err != nil {
		return nil, err
	}
	return &spool{folder: folder, file: f, known: make(map[[sha256.Size]byte]section)}, nil
}

// unnamedFile is a temporary file that vanishes with the process.
func unnamedFile(folder string) (*os.File, error) {
	f, err := os.CreateTemp(folder, "pgrelocate-*")
	if err != nil {
		return nil, err
	}
	// Where open files cannot be removed it stays until somebody cleans up.
	_ = os.Remove(f.Name())
	return f, nil
}

// unpack reads everything to the end, so that the compressed checksum has been compared.
func (s *spool) unpack(z io.Reader) ([]member, error) {
	members, err := s.tar(z, true)
	if err != nil {
		return nil, err
	}
	rest, err := io.CopyN(io.Discard, z, 1<<20)
	switch {
	case errors.Is(err, io.EOF):
		return members, nil
	case err == nil:
		return nil, fmt.Errorf("more than %d bytes follow the end of the archive", rest)
	default:
		return nil, cut(err)
	}
}

// tar keeps the files of a tar; where it is the outer one, also those of the archives in it.
func (s *spool) tar(r io.Reader, outer bool) ([]member, error) {
	t := tar.NewReader(r)
	seen := newNames(&s.named)
	var all []member
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, cut(err)
		}
		if s.entries++; s.entries > maxEntries {
			return nil, fmt.Errorf("more than %d entries", maxEntries)
		}
		// A scanner's rules hold for the header; what is left is asked of the reader.
		m, err := scanner{size: h.Size, links: true}.member(h, 0)
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := seen.add(m); err != nil {
			return nil, err
		}
		if m, err = s.keep(m, t, outer); err != nil {
			return nil, fmt.Errorf("entry %q: %w", m.name, err)
		}
		all = append(all, m)
	}
}

// keep keeps one file, or the files in it.
func (s *spool) keep(m member, r io.Reader, outer bool) (member, error) {
	if m.link != "" {
		return m, nil
	}
	if _, isImage := kindOf(m); isImage && outer {
		var err error
		m.inner, err = s.tar(r, false)
		if m.inner == nil {
			m.inner = []member{}
		}
		return m, err
	}
	if outer && strings.HasSuffix(m.name, ".gz") && strings.Contains("/"+m.name, "/"+imagesFolder+"/") {
		return m, fmt.Errorf("%s is compressed inside of a compressed archive; unpack it and load the folder", path.Base(m.name))
	}
	if free, err := freeSpace(s.folder); err == nil && m.size > free {
		return m, fmt.Errorf("%w: %d bytes are needed and %d are free in %s", ErrNoSpace, m.size, free, s.folder)
	}
	var err error
	m.section, err = s.append(r, m.size)
	return m, err
}

// append writes a file at the end, unless it is there already.
func (s *spool) append(r io.Reader, size int64) (section, error) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	h := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(h, io.NewOffsetWriter(s.file, s.end)), onlyReader{r}, *buffer)
	if err != nil {
		return section{}, cut(err)
	}
	if n != size {
		return section{}, fmt.Errorf("%w: %d bytes of %d", errTruncated, n, size)
	}
	sum := [sha256.Size]byte(h.Sum(nil))
	if known, ok := s.known[sum]; ok {
		return known, nil
	}
	kept := section{s.file, s.end, n}
	s.known[sum] = kept
	s.end += n
	return kept, nil
}

// onlyReader hides the other methods of a reader, by which a copy would go round its buffer.
type onlyReader struct{ io.Reader }

// cut puts the end of a compressed file that came too early into our words.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", errTruncated, err)
	}
	return err
}
