package bundle

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// renamed is a docker archive of one image for each list of names.
func renamed(t *testing.T, names ...[]string) []byte {
	t.Helper()
	items := bundletest.UnpackBytes(t, bundletest.DockerArchive(t, "registry.example.com/a/b:c"))
	n := find1(t, items, imagelayout.DockerFile)
	config := items[slices.IndexFunc(items, func(i bundletest.Item) bool {
		return strings.HasSuffix(i.Name, ".json") && i.Name != imagelayout.DockerFile
	})]
	var table []imagelayout.DockerImage
	for i, tags := range names {
		// A blank more makes another config, and so another image.
		body := append(slices.Clone(config.Body), []byte(strings.Repeat(" ", i))...)
		name := bundletest.Sum(body) + ".json"
		if i > 0 {
			items = append(items, bundletest.Regular(name, body))
		}
		table = append(table, imagelayout.DockerImage{Config: name, RepoTags: tags, Layers: []string{"aaa/layer.tar", "bbb/layer.tar", "ccc/layer.tar"}})
	}
	items[n].Body = imagelayout.Encode(table)
	return bundletest.Pack(t, items)
}

// An image that nobody can name is not loaded, and not in silence.
func TestImagesWithoutAUsableName(t *testing.T) {
	good := []string{"registry.example.com/a/b:c"}
	tests := []struct {
		name string
		tags []string
		want string // how what is left out is called; empty where nothing is
	}{
		{"no tags", nil, "sha256:"},
		{"no host", []string{"postgres:17"}, "postgres:17"},
		{"no reference", []string{"registry.example.com/UPPER/b:c"}, "registry.example.com/UPPER/b:c"},
		{"a name that is good, and one that is not", []string{"<none>:<none>", "registry.example.com/a/d:c"}, ""},
		{"both good", []string{"registry.example.com/a/d:c"}, ""},
	}
	for _, tt := range tests {
		for shape, body := range map[string][]byte{
			"archive":  renamed(t, good, tt.tags),
			"download": bundletest.Pack(t, []bundletest.Item{bundletest.Regular("d/images/x.tar", renamed(t, good, tt.tags))}),
		} {
			b := open(t, bundletest.File(t, body), OpenOptions{})
			got := b.Astray()
			if len(got) == 1 && tt.want != "" && strings.HasPrefix(got[0], tt.want) || len(got) == 0 && tt.want == "" {
				continue
			}
			t.Errorf("%s, %s: Astray() = %q, want %q", tt.name, shape, got, tt.want)
		}
	}
}

// Layouts that list the parts of an index beside it leave nothing out.
func TestPartsAreNotAstray(t *testing.T) {
	w := bundletest.New(t)
	items := bundletest.Unpack(t, w.Write(t, write.Options{}).Files[0])
	items = slices.DeleteFunc(items, func(i bundletest.Item) bool { return strings.HasPrefix(i.Name, "pgrelocate") })
	n := find1(t, items, imagelayout.IndexFile)
	var index v1.IndexManifest
	if err := json.Unmarshal(items[n].Body, &index); err != nil {
		t.Fatal(err)
	}
	whole := index.Manifests[slices.IndexFunc(index.Manifests, func(d v1.Descriptor) bool { return d.MediaType.IsIndex() })]
	links, err := oci.Parse(oci.Manifest{Descriptor: whole, Body: w.Body(whole.Digest)})
	if err != nil {
		t.Fatal(err)
	}
	index.Manifests = append(index.Manifests, links.Manifests...)
	items[n].Body = imagelayout.Encode(index)
	b := open(t, bundletest.File(t, bundletest.Pack(t, items)), OpenOptions{})
	if b.own || len(links.Manifests) == 0 {
		t.Fatal("it is a bundle of our own, or the index is empty")
	}
	if astray := b.Astray(); len(astray) > 0 {
		t.Errorf("Astray() = %q, want nothing: all of it belongs to an index", astray)
	}
}

func TestADownloadWithACompressedImage(t *testing.T) {
	image := bundletest.DockerArchive(t, bundletest.Vendor+"/postgres-operator:v4.5.0")
	body := bundletest.Pack(t, []bundletest.Item{
		bundletest.Regular("d/images/operator.tar", image),
		bundletest.Regular("d/images/instance.tar.gz", bundletest.Compress(t, image)),
	})
	if err := use(t, body); err == nil || !strings.Contains(err.Error(), "d/images/instance.tar.gz is compressed") {
		t.Errorf("Open() = %v, want it to name the image that is compressed", err)
	}
}
