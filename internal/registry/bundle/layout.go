package bundle

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
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

const block = 512 // a tar is made of these

// layout is where every byte of a bundle will stand. It follows from the content alone.
type layout struct {
	lock *Lock
	// frame is everything that is known: headers, small files, padding. In file order.
	frame []chunk
	// blobs are the holes in the frame, in file order, which is largest first.
	blobs []slot
	size  int64

	manifestBytes int64
}

// chunk is bytes with their place.
type chunk struct {
	offset int64
	bytes  []byte
}

// slot is the place of one blob.
type slot struct {
	descriptor v1.Descriptor
	offset     int64
}

func (s slot) end() int64 { return s.offset + s.descriptor.Size }

// newLayout gives the same layout for the same content, whatever its order.
func newLayout(c *Content) (*layout, error) {
	lock, err := c.lock()
	if err != nil {
		return nil, err
	}
	body := lock.Marshal() // sorts
	if err := lock.check(); err != nil {
		return nil, err
	}
	manifests := make(map[v1.Hash]oci.Manifest)
	for _, m := range c.Manifests {
		manifests[m.Descriptor.Digest] = m
	}
	l := &layout{lock: lock}
	l.file(layoutName, []byte(layoutBody))
	l.file(indexName, encode(indexOf(lock)))
	parsed := func(digest v1.Hash) (*links, bool) {
		links, err := parseLinks(manifests[digest].Body)
		return links, err == nil
	}
	if docker := dockerJSON(lock, parsed); docker != nil {
		l.file(dockerName, docker)
	}
	l.file(lockName, body)
	if c.Sign != nil {
		signature, err := c.Sign(body)
		if err != nil {
			return nil, fmt.Errorf("signing the bundle: %w", err)
		}
		l.file(signatureName, signature)
	}
	l.contents(manifests)
	l.bytes(make([]byte, 2*block))
	return l, nil
}

// contents lays out the folders, the manifests and the blobs.
func (l *layout) contents(manifests map[v1.Hash]oci.Manifest) {
	digests := make([]v1.Hash, 0, len(manifests))
	folders := []string{blobsFolder + "/"}
	note := func(d v1.Hash) { folders = append(folders, blobsFolder+"/"+d.Algorithm+"/") }
	for digest := range manifests {
		digests = append(digests, digest)
		note(digest)
	}
	var blobs []LockedBlob
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
		l.file(blobName(digest), manifests[digest].Body)
		l.manifestBytes += int64(len(manifests[digest].Body))
	}
	// The order of the download is the order in the file: a checksum can follow it.
	slices.SortFunc(blobs, func(a, b LockedBlob) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.Digest.String(), b.Digest.String()))
	})
	for _, b := range blobs {
		l.hole(b)
	}
}

func (l *layout) bytes(b []byte) {
	if last := len(l.frame) - 1; last >= 0 && l.frame[last].offset+int64(len(l.frame[last].bytes)) == l.size {
		l.frame[last].bytes = append(l.frame[last].bytes, b...)
	} else {
		l.frame = append(l.frame, chunk{l.size, slices.Clone(b)})
	}
	l.size += int64(len(b))
}

func (l *layout) file(name string, body []byte) {
	l.bytes(header(name, int64(len(body))))
	l.bytes(body)
	l.bytes(padding(int64(len(body))))
}

func (l *layout) hole(b LockedBlob) {
	l.bytes(header(blobName(b.Digest), b.Size))
	l.blobs = append(l.blobs, slot{v1.Descriptor{Digest: b.Digest, Size: b.Size}, l.size})
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
	for _, c := range l.frame {
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
