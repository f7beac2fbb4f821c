package node_test

import (
	"archive/tar"
	"io"
	"log"
	"os"
	"path/filepath"
)

var discard = log.New(io.Discard, "", 0)

// tarOf packs one program into a layer.
func tarOf(program, dir string) (string, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	file, err := os.Create(filepath.Join(dir, "layer.tar"))
	if err != nil {
		return "", err
	}
	defer file.Close()
	archive := tar.NewWriter(file)
	header := &tar.Header{Typeflag: tar.TypeReg, Name: "wait", Mode: 0o755, Size: int64(len(content))}
	if err := archive.WriteHeader(header); err != nil {
		return "", err
	}
	if _, err := archive.Write(content); err != nil {
		return "", err
	}
	return file.Name(), archive.Close()
}
