package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// pack is the script command: pack FOLDER FILE. It packs a chart as `helm package` does.
func pack(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: pack FOLDER FILE")
	}
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	folder := os.DirFS(ts.MkAbs(args[0]))
	ts.Check(fs.WalkDir(folder, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(folder, file)
		if err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: path.Join(path.Base(args[0]), file), Mode: 0o644, Size: int64(len(content))}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err = archive.Write(content)
		return err
	}))
	ts.Check(archive.Close())
	ts.Check(zipped.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), packed.Bytes(), 0o644))
}

// push is the script command: push HOST REPOSITORY:TAG [CHART [index]]. It puts a small image
// into a registry, or a packed chart, which may lie in an index; for the chart "platforms" an index
// of images for linux/amd64, linux/arm64 and linux/s390x.
func push(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) < 2 || len(args) > 4 {
		ts.Fatalf("usage: push HOST REPOSITORY:TAG [CHART [index]]")
	}
	found, ok := running.Load(args[0])
	if !ok {
		ts.Fatalf("push: no registry at %s", args[0])
	}
	r := found.(*registrytest.Registry)
	if len(args) == 3 && args[2] == "platforms" {
		pushPlatforms(t, ts, r, args[1])
		return
	}
	layer := static.NewLayer([]byte(args[1]), types.OCILayer)
	if len(args) > 2 {
		layer = static.NewLayer([]byte(ts.ReadFile(args[2])), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
	}
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layer)
	ts.Check(err)
	if len(args) > 2 {
		image = mutate.ConfigMediaType(image, "application/vnd.cncf.helm.config.v1+json")
	}
	if len(args) == 4 {
		index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{Add: image})
		ts.Check(remote.WriteIndex(r.Reference(t, args[1]), index, r.Remote(t.Context())...))
		return
	}
	r.Push(t, args[1], image)
}

func pushPlatforms(t *testing.T, ts *testscript.TestScript, r *registrytest.Registry, at string) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, architecture := range []string{"amd64", "arm64", "s390x"} {
		layer := static.NewLayer(bytes.Repeat([]byte(architecture), 1000), types.OCILayer)
		image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layer)
		ts.Check(err)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}},
		})
	}
	ts.Check(remote.WriteIndex(r.Reference(t, at), index, r.Remote(t.Context())...))
}
