package naming

import (
	"slices"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

func TestMentionsIn(t *testing.T) {
	origin := Origin{Images: []ref.Reference{{Host: "docker.io", Repository: "acme/op"}}}
	tests := []struct {
		key, text string
		want      []string // as they are spelled
	}{
		{"image", "nginx", []string{"nginx"}},
		{"image", " nginx:1 ", []string{"nginx:1"}},
		{"text", "pull quay.io/acme/op:1.", []string{"quay.io/acme/op:1"}},
		{"args", "--a=quay.io/acme/op:1,--b=quay.io/acme/op:1.1", []string{"quay.io/acme/op:1", "quay.io/acme/op:1.1"}},
		{"text", "a quay.io/acme/op:1\nb quay.io/acme/op:1 c\n", []string{"quay.io/acme/op:1", "quay.io/acme/op:1"}},
		{"text", "run acme/op:1 or docker.io/acme/op:1", []string{"acme/op:1", "docker.io/acme/op:1"}},
		{"text", `{"image":"acme/other:2"}`, []string{"acme/other:2"}},
		{"image", "quay.io/acme/op:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", []string{"quay.io/acme/op:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
		{"text", "https://quay.io/acme/op:1/x", nil},
		{"selector", "kubernetes.io/os:linux", nil},
		{"selector", "node-role.kubernetes.io/worker:x", nil},
		{"text", "nothing at all", nil},
	}
	for _, tt := range tests {
		var got []string
		for _, m := range MentionsIn(origin, tt.key, tt.text) {
			if m.End > 0 {
				got = append(got, m.Spelled())
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("MentionsIn(%q, %q) = %q, want %q", tt.key, tt.text, got, tt.want)
		}
	}
}

func TestNewestVersion(t *testing.T) {
	tests := []struct {
		tags []string
		want string
	}{
		{nil, ""},
		{[]string{"latest", "sha256-aa.sig"}, ""},
		{[]string{"1.9.0", "1.10.0", "2.0.0-rc.1", "v1.2.0"}, "1.10.0"},
		{[]string{"2.0.0-rc.1", "2.0.0-rc.2"}, "2.0.0-rc.2"},
		{[]string{"1.0.0_b1", "0.9.0"}, "1.0.0_b1"},
	}
	for _, tt := range tests {
		if got := chart.NewestVersion(tt.tags); got != tt.want {
			t.Errorf("NewestVersion(%q) = %q, want %q", tt.tags, got, tt.want)
		}
	}
}
