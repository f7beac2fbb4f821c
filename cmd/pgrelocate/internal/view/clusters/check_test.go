package clusters

import (
	"strings"
	"testing"
)

// sampleCheck is one in which an image cannot be pulled, one is not asked for, and a secret is missing.
func sampleCheck() Check {
	const in = "registry.example.com:5000/platform/tanzu-sql-postgres/"
	const digest = "sha256:5b0bcabd1ed22e9fb1310cf6c2dec7cdef19f0ad69efa1f392e94a4333501270"
	image := func(name string) imageView { return imageView{Image: in + name, Digest: digest, Pulls: true} }
	broken := imageView{Image: in + "postgres-instance:v16.9-v4.3.1", Reason: "registry.example.com:5000 has no such image: 404 Not Found: manifest unknown"}
	other := imageView{Image: in + "postgres-backup:v4.3.1", Accepted: "it is built by another team, and comes with their own pipeline"}
	return Check{
		Images: []imageView{image("postgres-operator:v4.3.1"), other},
		Versions: []pickView{
			{Name: "postgres-17-lite", DBVersion: "17.5", imageView: image("postgres-instance:v17.5-lite-v4.3.1")},
			{Name: "postgres-16", DBVersion: "16.9", imageView: broken},
		},
		Namespaces: []namespaceView{
			{Namespace: "default", Secret: "regsecret", OK: true},
			{Namespace: "production", Instances: 3, Secret: "regsecret", Reason: "there is no secret regsecret in the namespace production, so that nothing is pulled there"},
		},
	}
}

// On a terminal no line is wider than that; what is left out for it stands elsewhere. A pipe gets all of it.
func TestCheckFits(t *testing.T) {
	for width, wants := range map[int][]string{
		80: {
			"images in registry.example.com:5000/platform/tanzu-sql-postgres:\n",
			"postgres-17-lite  17.5        postgres-instance:v17.5-lite-v4.3.1  yes\n", "  no\n", "  not asked\n", "  wrong\n",
		},
		200: {"  registry.example.com:5000/platform/tanzu-sql-postgres/postgres-operator:v4.3.1  ", "  no: registry.example.com:5000 has no such image"},
		0:   {"  registry.example.com:5000/platform/tanzu-sql-postgres/postgres-operator:v4.3.1             sha256:5b0bcabd1ed2  yes\n", "  17.5  "},
	} {
		var text strings.Builder
		if err := sampleCheck().Fit(width).WriteTable(&text); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text.String()) {
			if n := len(strings.TrimSuffix(line, "\n")); width > 0 && n > width {
				t.Errorf("a line of %d characters where %d fit: %s", n, width, line)
			}
		}
		for _, want := range wants {
			if !strings.Contains(text.String(), want) {
				t.Errorf("a table for %d characters lacks %q:\n%s", width, want, text.String())
			}
		}
	}
}
