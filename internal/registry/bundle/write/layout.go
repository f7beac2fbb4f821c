package write

import (
	"archive/tar"
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// LockFile and SignatureFile are what a bundle has beside an image layout.
const (
	LockFile      = "pgrelocate.lock.json"
	SignatureFile = "pgrelocate.lock.json.minisig"
)

const block = 512 // a tar is made of these

// Content is everything that a bundle shall hold, known before its first byte is
// written: that is what lets the blobs arrive in any order, each where it belongs.
type Content struct {
	lock.Content
	// Since leaves out the blobs that it names; nil leaves out nothing.
	Since *lock.Lock
	// Sign makes the signature of the lock that goes into the bundle; it may be nil.
	Sign func(lock []byte) ([]byte, error)
}

// layout is where every byte of a bundle will stand. It follows from the content alone.
type layout struct {
	lock *lock.Lock
	// fixed is everything that is known beforehand: headers, small files, padding. In file order.
	fixed []chunk
	// blobs are the spaces between what is fixed, in file order, which is largest first.
	blobs []span
	size  int64

	manifestBytes int64
}

// chunk is bytes with their place.
type chunk struct {
	offset int64
	bytes  []byte
}

// span is where one blob stands.
type span struct {
	descriptor v1.Descriptor
	offset     int64
}

func (s span) end() int64 { return s.offset + s.descriptor.Size }

// newLayout gives the same layout for the same content, whatever its order.
func newLayout(c *Content) (*layout, error) {
	locked, err := c.Lock(c.Since)
	if err != nil {
		return nil, err
	}
	body := locked.Marshal()
	if _, err := lock.Parse(body); err != nil {
		return nil, fmt.Errorf("a bundle of this could not be read: %w", err)
	}
	manifests := make(map[v1.Hash]oci.Manifest)
	for _, m := range c.Manifests {
		manifests[m.Descriptor.Digest] = m
	}
	l := &layout{lock: locked}
	l.file(imagelayout.VersionFile, []byte(imagelayout.Version))
	l.file(imagelayout.IndexFile, imagelayout.Encode(Index(locked)))
	parsed := func(digest v1.Hash) (*oci.Links, bool) {
		links, err := oci.Parse(manifests[digest])
		return links, err == nil
	}
	if docker := DockerTable(locked, parsed); docker != nil {
		l.file(imagelayout.DockerFile, docker)
	}
	l.file(LockFile, body)
	if c.Sign != nil {
		signature, err := c.Sign(body)
		if err != nil {
			return nil, fmt.Errorf("signing the bundle: %w", err)
		}
		l.file(SignatureFile, signature)
	}
	l.contents(manifests)
	l.bytes(make([]byte, 2*block))
	return l, nil
}

// contents lays out the folders, the manifests and the blobs.
func (l *layout) contents(manifests map[v1.Hash]oci.Manifest) {
	digests := make([]v1.Hash, 0, len(manifests))
	folders := []string{imagelayout.BlobsFolder + "/"}
	note := func(d v1.Hash) { folders = append(folders, imagelayout.BlobsFolder+"/"+d.Algorithm+"/") }
	for digest := range manifests {
		digests = append(digests, digest)
		note(digest)
	}
	var blobs []lock.Blob
	for _, b := range l.lock.Blobs {
		// A blob that is a manifest too is in one place only.
		if _, ok := manifests[b.Digest]; !ok && !b.Omitted {
			blobs = append(blobs, b)
			note(b.Digest)
		}
	}
	slices.Sort(folders)
	for _, f := range slices.Compact(folders) {
		l.bytes(header(f, 0))
	}
	slices.SortFunc(digests, func(a, b v1.Hash) int { return strings.Compare(a.String(), b.String()) })
	for _, digest := range digests {
		l.file(imagelayout.BlobName(digest), manifests[digest].Body)
		l.manifestBytes += int64(len(manifests[digest].Body))
	}
	// The order of the download is the order in the file: a checksum can follow it.
	slices.SortFunc(blobs, func(a, b lock.Blob) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.Digest.String(), b.Digest.String()))
	})
	for _, b := range blobs {
		l.space(b)
	}
}

func (l *layout) bytes(b []byte) {
	if last := len(l.fixed) - 1; last >= 0 && l.fixed[last].offset+int64(len(l.fixed[last].bytes)) == l.size {
		l.fixed[last].bytes = append(l.fixed[last].bytes, b...)
	} else {
		l.fixed = append(l.fixed, chunk{l.size, slices.Clone(b)})
	}
	l.size += int64(len(b))
}

func (l *layout) file(name string, body []byte) {
	l.bytes(header(name, int64(len(body))))
	l.bytes(body)
	l.bytes(padding(int64(len(body))))
}

func (l *layout) space(b lock.Blob) {
	l.bytes(header(imagelayout.BlobName(b.Digest), b.Size))
	l.blobs = append(l.blobs, span{v1.Descriptor{Digest: b.Digest, Size: b.Size}, l.size})
	l.size += b.Size
	l.bytes(padding(b.Size))
}

// unique is the bytes of the distinct blobs and manifests.
func (l *layout) unique() int64 {
	n := l.manifestBytes
	for _, b := range l.blobs {
		n += b.descriptor.Size
	}
	return n
}

// id tells one layout from another.
func (l *layout) id() string {
	h := sha256.New()
	for _, c := range l.fixed {
		fmt.Fprintf(h, "%d %d\n", c.offset, len(c.bytes))
		h.Write(c.bytes)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func padding(size int64) []byte { return make([]byte, -size&(block-1)) }

// header is the tar header of a file or, with a slash at the end, of a folder.
func header(name string, size int64) []byte {
	h := &tar.Header{Name: name, Size: size, Mode: 0o444, Typeflag: tar.TypeReg, ModTime: time.Unix(0, 0)}
	if strings.HasSuffix(name, "/") {
		h.Typeflag, h.Mode = tar.TypeDir, 0o755
	}
	var b bytes.Buffer
	if err := tar.NewWriter(&b).WriteHeader(h); err != nil {
		panic(err) // names are our own, and every size can be written
	}
	return b.Bytes()
}
