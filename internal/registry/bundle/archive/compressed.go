package archive

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

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// A compressed archive can be read from its beginning only, and the copy engine wants
// the largest blob first. So it is read once, and each distinct file in it is kept in a
// temporary file that has no name any more: layers that the images share are kept once.

// openCompressed reads a compressed archive of any format.
func openCompressed(ctx context.Context, r io.Reader, opts Options) (*Archive, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	u, err := newUnpacker(opts.TempDir)
	if err != nil {
		return nil, err
	}
	members, err := u.unpack(files.Until(ctx, z))
	if err != nil {
		return nil, errors.Join(err, u.file.Close())
	}
	a, err := fromMembers(ctx, members)
	if err != nil {
		return nil, errors.Join(err, u.file.Close())
	}
	a.close = joinClose(a.close, u.file.Close)
	return a, nil
}

// unpacker keeps distinct files.
type unpacker struct {
	folder  string
	file    *os.File
	end     int64
	known   map[[sha256.Size]byte]section
	entries int
	// named is the bytes of all names.
	named int
}

func newUnpacker(folder string) (*unpacker, error) {
	if folder == "" {
		folder = os.TempDir() // whose room is looked at
	}
	f, err := files.Unnamed(folder)
	if err != nil {
		return nil, err
	}
	return &unpacker{folder: folder, file: f, known: make(map[[sha256.Size]byte]section)}, nil
}

// unpack reads everything to the end, so that the compressed checksum has been compared.
func (u *unpacker) unpack(z io.Reader) ([]member, error) {
	members, err := u.tar(z, true)
	if err != nil {
		return nil, err
	}
	return members, onlyZeros(z)
}

// tar keeps the files of a tar; where it is the outer one, also those of the archives in it.
func (u *unpacker) tar(r io.Reader, outer bool) ([]member, error) {
	t := tar.NewReader(r)
	seen := newNames(&u.named)
	var all []member
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, cut(err)
		}
		if u.entries++; u.entries > maxEntries {
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
		if m, err = u.keep(m, t, outer); err != nil {
			return nil, fmt.Errorf("entry %q: %w", m.name, err)
		}
		all = append(all, m)
	}
}

// keep keeps one file, or the files in it.
func (u *unpacker) keep(m member, r io.Reader, outer bool) (member, error) {
	if m.link != "" {
		return m, nil
	}
	if _, isImage := kindOf(m); isImage && outer {
		var err error
		m.inner, err = u.tar(r, false)
		if m.inner == nil {
			m.inner = []member{}
		}
		return m, err
	}
	if outer && strings.HasSuffix(m.name, ".gz") && strings.Contains("/"+m.name, "/"+imagesFolder+"/") {
		return m, fmt.Errorf("%s is compressed inside of a compressed archive; unpack it and load the folder", path.Base(m.name))
	}
	if free, err := files.FreeSpace(u.folder); err == nil && m.size > free {
		return m, fmt.Errorf("%w: %d bytes are needed and %d are free in %s", ErrNoSpace, m.size, free, u.folder)
	}
	var err error
	m.section, err = u.append(r, m.size)
	return m, err
}

// append writes a file at the end, unless it is there already.
func (u *unpacker) append(r io.Reader, size int64) (section, error) {
	buffer := files.Buffer()
	defer files.Release(buffer)
	h := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(h, io.NewOffsetWriter(u.file, u.end)), onlyReader{r}, *buffer)
	if err != nil {
		return section{}, cut(err)
	}
	if n != size {
		return section{}, fmt.Errorf("%w: %d bytes of %d", ErrTruncated, n, size)
	}
	sum := [sha256.Size]byte(h.Sum(nil))
	if known, ok := u.known[sum]; ok {
		return known, nil
	}
	kept := section{u.file, u.end, n}
	u.known[sum] = kept
	u.end += n
	return kept, nil
}

// onlyReader hides the other methods of a reader, by which a copy would go round its buffer.
type onlyReader struct{ io.Reader }

// cut puts the end of a compressed file that came too early into our words.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", ErrTruncated, err)
	}
	return err
}
