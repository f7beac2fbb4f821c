package naming

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Values that name an image as a whole or in parts name it elsewhere, and nothing else changes:
// what only looks like an image, what is set already, and what has no tag.
func TestNamedIn(t *testing.T) {
	origin := Origin{Folders: []ref.Folder{{Host: "vendor.example.com", Path: "pg"}, {Host: "vendor.example.com", Path: "pg/tools"}}}
	values := map[string]any{
		"exporter": map[string]any{"image": "quay.io/other/exporter:1", "port": 9187, "url": "https://quay.io/a:b"},
		"sidecar":  map[string]any{"image": map[string]any{"repository": "vendor.example.com/pg/tools/sidecar", "tag": "3", "pullPolicy": "Always"}},
		"shell":    map[string]any{"registry": "docker.io", "repository": "other/shell", "tag": "12", "digest": ""},
		"taken":    map[string]any{"image": "quay.io/other/taken:1"},
		"untagged": map[string]any{"repository": "quay.io/other/untagged", "tag": ""},
		"text":     "see quay.io/other/exporter:1",
		"list":     []any{"quay.io/other/exporter:1"},
	}
	got := map[string]any{"taken": map[string]any{"image": "mine/taken:1"}}
	for _, named := range NamedIn(values, origin) {
		if !named.IsSet(got) {
			named.Set(got, origin.Below(ref.Folder{Host: "r.example.com", Path: "db"}, named.Image))
		}
	}
	want := map[string]any{
		"exporter": map[string]any{"image": "r.example.com/db/other/exporter:1"},
		"sidecar":  map[string]any{"image": map[string]any{"repository": "r.example.com/db/tools/sidecar"}},
		"shell":    map[string]any{"registry": "r.example.com", "repository": "db/other/shell"},
		"taken":    map[string]any{"image": "mine/taken:1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("NamedIn() (-want +got):\n%s", diff)
	}
}
