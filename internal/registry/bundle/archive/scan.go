package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// block is what a tar is made of, in bytes.
const block = 512

// maxEntries is how many entries a tar may have.
const maxEntries = 100_000

// maxName is how many bytes a name may have; systems take no more.
const maxName = 4096

// maxNames is how many bytes the names in an archive may have together: more than as many
// entries as there may be have in a bundle.
const maxNames = 8 << 20

// names finds names that are there twice, and keeps their number and size within bounds.
type names struct {
	seen map[string]bool
	// bytes is of all names; archives within one another count together.
	bytes *int
}

func newNames(bytes *int) *names { return &names{seen: make(map[string]bool), bytes: bytes} }

func (n *names) add(m member) error {
	if n.seen[m.name] {
		return fmt.Errorf("entry %q is there twice", m.name)
	}
	if *n.bytes += len(m.name) + len(m.link); *n.bytes > maxNames {
		return fmt.Errorf("names of more than %d bytes in all", maxNames)
	}
	n.seen[m.name] = true
	return nil
}

// member is one regular file of a tar, or a link where those are allowed.
type member struct {
	name string
	section
	// link is the name that a link points to, within the tar; empty for files.
	link string
	// inner are the files of an archive inside the archive, where they are known.
	inner []member
}

// scanner reads the headers of a tar and never its content.
type scanner struct {
	at   io.ReaderAt
	size int64
	// links allows links, which only the docker formats have.
	links bool
}

// members lists a tar's files and checks what a hostile one would lie about.
func (s scanner) members(ctx context.Context) ([]member, error) {
	if s.size == 0 {
		return nil, ErrEmpty
	}
	r := &position{SectionReader: io.NewSectionReader(s.at, 0, s.size)}
	t := tar.NewReader(r)
	seen := newNames(new(int))
	var all []member
	for n := 0; ; n++ {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return all, s.ended(ctx, r)
		}
		if err != nil && n == 0 && r.offset <= block {
			return nil, ErrNoArchive
		}
		if err != nil {
			return nil, s.broken(err, r.offset)
		}
		if n == maxEntries {
			return nil, fmt.Errorf("more than %d entries", maxEntries)
		}
		m, err := s.member(h, r.offset)
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := seen.add(m); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
}

func (s scanner) member(h *tar.Header, offset int64) (member, error) {
	name, err := cleanName(h.Name)
	if err != nil {
		return member{}, err
	}
	m := member{name: name, section: section{s.at, offset, h.Size}}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return member{}, fmt.Errorf("entry %q is a sparse file", name)
		}
	}
	switch h.Typeflag {
	case tar.TypeDir, tar.TypeXGlobalHeader:
		return m, nil
	case tar.TypeReg:
		if h.Size > s.size-offset {
			return member{}, fmt.Errorf("%w: entry %q needs %d bytes and %d are left", ErrTruncated, name, h.Size, s.size-offset)
		}
		return m, nil
	case tar.TypeSymlink, tar.TypeLink:
		if !s.links {
			return member{}, fmt.Errorf("entry %q: %w", name, ErrLinked)
		}
		target := h.Linkname
		if h.Typeflag == tar.TypeSymlink && !path.IsAbs(target) {
			target = path.Join(path.Dir(name), target)
		}
		m.link, err = cleanName(target)
		m.size = 0
		return m, err
	default:
		return member{}, fmt.Errorf("entry %q is no regular file (type %q)", name, h.Typeflag)
	}
}

// ended tells a tar that ended from one that was cut between two entries, and from one with something behind
// it, which nobody else would check.
func (s scanner) ended(ctx context.Context, r *position) error {
	if r.zeros < 2 {
		return fmt.Errorf("%w: the end of the tar is missing after %d bytes", ErrTruncated, s.size)
	}
	rest := files.Until(ctx, io.NewSectionReader(s.at, r.offset, min(s.size-r.offset, mostBehind+1)))
	return onlyZeros(rest)
}

// mostBehind is how many bytes may follow the end of an archive: tars are filled up with zeros, by some to
// whole megabytes.
const mostBehind = 1 << 20

// onlyZeros reads what follows the end of an archive.
func onlyZeros(r io.Reader) error {
	buffer := make([]byte, 32<<10)
	for read := 0; ; {
		n, err := r.Read(buffer)
		read += n
		switch {
		case !isZero(buffer[:n]):
			return errors.New("something follows the end of the archive: it was changed, or put together from several files")
		case read > mostBehind:
			return fmt.Errorf("more than %d bytes follow the end of the archive", mostBehind)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return cut(err)
		}
	}
}

func (s scanner) broken(err error, offset int64) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || offset >= s.size {
		return fmt.Errorf("%w: it ends after %d bytes, inside an entry", ErrTruncated, s.size)
	}
	return fmt.Errorf("%w at byte %d: %w", errNoTar, offset, err)
}

// cleanName refuses the names by which an archive reaches out of its folder.
func cleanName(name string) (string, error) {
	if len(name) > maxName {
		return "", fmt.Errorf("an entry with a name of %d bytes", len(name))
	}
	clean := path.Clean(name)
	if name == "" || strings.ContainsAny(name, "\\\x00") || path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", fmt.Errorf("entry %q leads out of the archive", name)
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == ".." {
			return "", fmt.Errorf("entry %q leads out of the archive", name)
		}
	}
	return clean, nil
}

// position knows how far a tar has been read, and counts the empty blocks of its end.
type position struct {
	*io.SectionReader
	offset int64
	zeros  int
}

func (p *position) Read(b []byte) (int, error) {
	n, err := p.SectionReader.Read(b)
	p.offset += int64(n)
	if n == block && isZero(b[:n]) {
		p.zeros++
	} else {
		p.zeros = 0
	}
	return n, err
}

func (p *position) Seek(offset int64, whence int) (int64, error) {
	n, err := p.SectionReader.Seek(offset, whence)
	p.offset = n
	return n, err
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
