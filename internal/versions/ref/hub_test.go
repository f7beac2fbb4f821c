package ref

import "testing"

func TestParseImage(t *testing.T) {
	tests := []struct{ in, want string }{
		{"nginx", "docker.io/library/nginx"},
		{"nginx:1.27", "docker.io/library/nginx:1.27"},
		{"nginx@" + digest, "docker.io/library/nginx@" + digest},
		{"docker.io/nginx:1.27", "docker.io/library/nginx:1.27"},
		{"index.docker.io/nginx", "docker.io/library/nginx"},
		{"registry-1.docker.io/library/nginx:1", "docker.io/library/nginx:1"},
		{"hashicorp/vault:1", "docker.io/hashicorp/vault:1"},
		{"docker.io/hashicorp/vault:1", "docker.io/hashicorp/vault:1"},
		{"index.docker.io/hashicorp/vault:1", "docker.io/hashicorp/vault:1"},
		{"registry.hub.docker.com/hashicorp/vault:1", "docker.io/hashicorp/vault:1"},
		{"registry/team/vault:1", "docker.io/registry/team/vault:1"},
		{"localhost/vault:1", "localhost/vault:1"},
		{"registry:5000/vault:1@" + digest, "registry:5000/vault:1@" + digest},
		{"quay.io/vault", "quay.io/vault"},
		{"Quay.io/vault", "quay.io/vault"},
	}
	for _, tt := range tests {
		got, err := ParseImage(tt.in)
		if err != nil || got.String() != tt.want {
			t.Errorf("ParseImage(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{"", "Always", "Nginx:1", "nginx:", "a b", "https://a.example.com/b:1", "nginx@sha256:12", "/nginx", "a//b:1", "quay.io/"} {
		if got, err := ParseImage(in); err == nil {
			t.Errorf("ParseImage(%q) = %v, want an error", in, got)
		}
	}
}

func TestHolds(t *testing.T) {
	tests := []struct {
		folder Folder
		image  string
		want   bool
	}{
		{Folder{Host: "docker.io"}, "nginx", true},
		{Folder{Host: "index.docker.io", Path: "library"}, "nginx:1", true},
		{Folder{Host: "docker.io", Path: "acme"}, "acme/op:1", true},
		{Folder{Host: "registry-1.docker.io", Path: "acme"}, "docker.io/acme/a/op:1", true},
		{Folder{Host: "docker.io", Path: "acme"}, "acmes/op:1", false},
		{Folder{Host: "docker.io", Path: "acme"}, "quay.io/acme/op:1", false},
		{Folder{Host: "quay.io", Path: "acme"}, "acme/op:1", false},
		{Folder{Host: "quay.io"}, "quay.io/acme/op:1", true},
		{Folder{Host: "quay.io", Path: "acme/op"}, "quay.io/acme/op:1", false},
		{Folder{Host: "quay.io:443"}, "quay.io/acme/op:1", false},
	}
	for _, tt := range tests {
		image, err := ParseImage(tt.image)
		if err != nil {
			t.Fatal(err)
		}
		if got := tt.folder.Holds(image); got != tt.want {
			t.Errorf("%v.Holds(%s) = %v, want %v", tt.folder, tt.image, got, tt.want)
		}
	}
}

func TestParent(t *testing.T) {
	for in, want := range map[string]string{"a/b/op:1": "docker.io/a/b", "nginx": "docker.io/library", "quay.io/op:1": "quay.io"} {
		image, err := ParseImage(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := image.Parent().String(); got != want {
			t.Errorf("%v.Parent() = %q, want %q", image, got, want)
		}
	}
}

func TestTagged(t *testing.T) {
	for in, want := range map[string]string{"nginx": "docker.io/library/nginx:latest", "nginx:1": "docker.io/library/nginx:1", "nginx@" + digest: "docker.io/library/nginx@" + digest} {
		image, err := ParseImage(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := image.Tagged().String(); got != want {
			t.Errorf("%v.Tagged() = %q, want %q", image, got, want)
		}
	}
}
