package integration_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/internal/program"
)

// The program puts itself into a real registry as an image that others find whole, and a second
// push moves nothing.
func TestSelfPush(t *testing.T) {
	file, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	registry := registrytest.Debian(t, registrytest.Options{})
	push := func() (made struct {
		Image, Digest string
		Pushed        bool
	}) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), file, "self", "push", "--registry", registry.Host+"/tools", "--tag", "v1", "-o", "json", "--state-dir", t.TempDir())
		var messages strings.Builder
		cmd.Stderr = &messages
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v\n%s", cmd, err, messages.String())
		}
		if err := json.Unmarshal(out, &made); err != nil {
			t.Fatal(err)
		}
		return made
	}
	first, second := push(), push()
	if !first.Pushed || second.Pushed || first.Digest != second.Digest || first.Image != registry.Host+"/tools/pgrelocate:v1" {
		t.Errorf("pushed twice: %+v, then %+v", first, second)
	}
	at, err := name.ParseReference(first.Image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	if digest, err := index.Digest(); err != nil || digest.String() != first.Digest {
		t.Errorf("the registry has %s, %v, and %s was said", digest, err, first.Digest)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 || !manifest.Manifests[0].Platform.Satisfies(v1.Platform{OS: "linux"}) {
		t.Errorf("the index holds %+v, %v, want one image for linux", manifest, err)
	}
}
