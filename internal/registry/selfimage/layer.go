package selfimage

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// Where things are in the image.
const (
	programName = "pgrelocate"
	home        = "/home/nonroot"
	authorities = "etc/ssl/certs/ca-certificates.crt"
	nobody      = 65532
)

// layer is the one layer: its compressed bytes, and the digest of what they unpack to.
func layer(program []byte, at time.Time) (packed []byte, diff v1.Hash, err error) {
	var files bytes.Buffer
	out := tar.NewWriter(&files)
	for _, entry := range entries(program) {
		entry.ModTime, entry.Format = at, tar.FormatPAX
		entry.Size = int64(len(entry.content))
		if err := out.WriteHeader(&entry.Header); err != nil {
			return nil, v1.Hash{}, err
		}
		if _, err := out.Write(entry.content); err != nil {
			return nil, v1.Hash{}, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, v1.Hash{}, err
	}
	if diff, _, err = v1.SHA256(bytes.NewReader(files.Bytes())); err != nil {
		return nil, v1.Hash{}, err
	}
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	if _, err := zip.Write(files.Bytes()); err != nil {
		return nil, v1.Hash{}, err
	}
	err = zip.Close()
	return zipped.Bytes(), diff, err
}

type entry struct {
	tar.Header
	content []byte
}

// entries are the files of the image, in the order in which they are unpacked.
func entries(program []byte) []entry {
	folder := func(name string, mode int64) entry {
		return entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}}
	}
	file := func(name string, mode int64, content []byte) entry {
		return entry{Header: tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}, content: content}
	}
	owned := folder("home/nonroot", 0o700)
	owned.Uid, owned.Gid = nobody, nobody
	return []entry{
		folder("etc", 0o755), folder("etc/ssl", 0o755), folder("etc/ssl/certs", 0o755),
		file("etc/passwd", 0o644, fmt.Appendf(nil, "root:x:0:0:root:/:/\nnonroot:x:%d:%[1]d:nonroot:%s:/\n", nobody, home)),
		file("etc/group", 0o644, fmt.Appendf(nil, "root:x:0:\nnonroot:x:%d:\n", nobody)),
		file(authorities, 0o644, publicAuthorities()),
		folder("home", 0o755), owned, folder("tmp", 0o1777),
		file(programName, 0o755, program),
	}
}

// publicAuthorities are those that Mozilla trusts, as the Go project keeps them, but for those that it
// trusts with a reserve, which a list of certificates cannot express.
func publicAuthorities() []byte {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		_ = pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes everything
	}
	return all.Bytes()
}
