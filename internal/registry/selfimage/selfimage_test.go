package selfimage

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

var about = About{Version: "v1.2.3", Commit: "c0ffee", Created: time.Date(2026, 11, 26, 10, 0, 0, 5, time.UTC)}

// programs are files with some content, for two platforms.
func programs(t *testing.T, content string) []Program {
	t.Helper()
	var all []Program
	for _, arch := range []string{"arm64", "amd64"} {
		path := filepath.Join(t.TempDir(), arch)
		if err := os.WriteFile(path, []byte(content+arch), 0o755); err != nil {
			t.Fatal(err)
		}
		all = append(all, Program{Platform: v1.Platform{OS: "linux", Architecture: arch}, path: path})
	}
	return all
}

func build(t *testing.T, programs []Program) *Tree {
	t.Helper()
	image, err := Build(programs, about)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// The same programs are the same image, in whatever order they are named; another is another.
func TestBuildIsReproducible(t *testing.T) {
	first := build(t, programs(t, "program "))
	reversed := programs(t, "program ")
	reversed[0], reversed[1] = reversed[1], reversed[0]
	if second := build(t, reversed); second.Index.Descriptor.Digest != first.Index.Descriptor.Digest {
		t.Errorf("the same programs make %s and %s", first.Index.Descriptor.Digest, second.Index.Descriptor.Digest)
	}
	if other := build(t, programs(t, "another ")); other.Index.Descriptor.Digest == first.Index.Descriptor.Digest {
		t.Error("another program makes the same image")
	}
}

// What the index leads to is all there, and says what an engine has to know.
func TestBuild(t *testing.T) {
	image := build(t, programs(t, "program "))
	links, err := oci.Parse(image.Index)
	if err != nil || len(links.Manifests) != 2 {
		t.Fatalf("Parse(index) = %+v, %v, want two images", links, err)
	}
	for i, manifest := range image.Manifests {
		below, err := oci.Parse(manifest)
		if err != nil {
			t.Fatal(err)
		}
		var config v1.ConfigFile
		if err := json.Unmarshal(image.Blobs[below.Config.Digest], &config); err != nil {
			t.Fatal(err)
		}
		arch := []string{"amd64", "arm64"}[i]
		if config.Architecture != arch || config.Config.User != "65532:65532" || config.Config.Entrypoint[0] != "/pgrelocate" || !config.Created.Equal(about.Created.Truncate(time.Second)) {
			t.Errorf("the configuration of %s is %+v", arch, config)
		}
		files, diff := unpack(t, image.Blobs[below.Layers[0].Digest])
		if diff != config.RootFS.DiffIDs[0] {
			t.Errorf("the layer unpacks to %s, and the configuration says %s", diff, config.RootFS.DiffIDs[0])
		}
		if got := string(files["pgrelocate"]); got != "program "+arch {
			t.Errorf("the program for %s is %q", arch, got)
		}
		if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(files[authorities]) {
			t.Error("no authorities are in the image")
		}
		if !strings.Contains(string(files["etc/passwd"]), "nonroot:x:65532:65532:") {
			t.Errorf("the users are %q", files["etc/passwd"])
		}
	}
}

// unpack returns the files of a layer, and the digest of what it unpacks to.
func unpack(t *testing.T, layer []byte) (map[string][]byte, v1.Hash) {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	diff, _, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for in := tar.NewReader(bytes.NewReader(content)); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files, diff
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	twice := programs(t, "program ")
	twice[1].Platform = twice[0].Platform
	for name, programs := range map[string][]Program{
		"none": nil, "two for one platform": twice, "a file that is gone": {{path: filepath.Join(t.TempDir(), "gone")}}, "the zero program": {{}},
	} {
		if _, err := Build(programs, about); err == nil {
			t.Errorf("Build(%s) is no error", name)
		}
	}
}

// What is not the program, or cannot run in the image, is refused by what the file says.
func TestOpenRefuses(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, want string }{
		{filepath.Join(t.TempDir(), "gone"), "no such file"},
		{text, "no program that Go has built"},
		{own, "and not pgrelocate"},
	} {
		_, err := Open(tt.path)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Open(%s) = %v, want %q", tt.path, err, tt.want)
		}
	}
	if diff := cmp.Diff(map[string]string{"org.opencontainers.image.title": "pgrelocate", "org.opencontainers.image.licenses": "Apache-2.0"}, About{}.annotations()); diff != "" {
		t.Errorf("annotations() of nothing (-want +got):\n%s", diff)
	}
}
