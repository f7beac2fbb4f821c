package plan

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// What thousands of manifests say of one layer is kept once; what one says besides is not lost.
func TestShared(t *testing.T) {
	p := &planner{blobs: map[described]*v1.Descriptor{}}
	layer := func() v1.Descriptor {
		return v1.Descriptor{MediaType: "a/b", Size: 1, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}}
	}
	first, again := p.shared(layer()), p.shared(layer())
	if first != again {
		t.Error("shared() of the same twice = two descriptors, want one")
	}
	for name, change := range map[string]func(*v1.Descriptor){
		"another type": func(d *v1.Descriptor) { d.MediaType = "c/d" },
		"another size": func(d *v1.Descriptor) { d.Size = 2 },
		"annotations":  func(d *v1.Descriptor) { d.Annotations = map[string]string{"title": "x"} },
		"addresses":    func(d *v1.Descriptor) { d.URLs = []string{"https://vendor.example.com"} },
	} {
		other := layer()
		change(&other)
		if got := p.shared(other); got == first || got.MediaType != other.MediaType || got.Size != other.Size ||
			len(got.Annotations) != len(other.Annotations) || len(got.URLs) != len(other.URLs) {
			t.Errorf("shared(%s) = %+v, want %+v", name, got, other)
		}
	}
}
