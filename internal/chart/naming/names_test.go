package naming

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// image reads a name that a test gives.
func image(t *testing.T, name string) ref.Reference {
	t.Helper()
	r, err := ref.ParseImage(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// acme publishes at Docker Hub, vault one of its images below a word that others use too,
// and postgres in no namespace at all.
func acme(t *testing.T) Origin {
	t.Helper()
	return Origin{
		Folders: []ref.Folder{{Host: "docker.io", Path: "acme"}, {Host: "docker.io"}},
		Images:  []ref.Reference{image(t, "acme/op:1.0.0"), image(t, "hashicorp/vault:2.0.4"), image(t, "postgres:17"), image(t, "ghcr.io/maker/tool:1")},
	}
}

// A pod whose only container has the given fields, in YAML.
func pod(t *testing.T, fields string) *chart.Rendering {
	t.Helper()
	return render(t, sample(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - "+fields+"\n", nil), nil)
}

// Short names of Docker Hub are found wherever they stand, by what stands before them and by
// what the product is known to have.
func TestShortNames(t *testing.T) {
	tests := []struct {
		name, fields string
		want         []string
	}{
		{"environment", `env: [{name: AGENT_INJECT_VAULT_IMAGE, value: "hashicorp/vault:2.0.4"}]`, []string{"docker.io/hashicorp/vault:2.0.4"}},
		{"flag in a command", `args: ["exec run --engine-image other/engine:1 -image 'other/agent:2' --images other/x:1"]`, []string{"docker.io/other/agent:2", "docker.io/other/engine:1"}},
		{"a flag that is no image's", `args: ["run --image-pull-policy if/not:present --image /var/x:1 --image pull"]`, []string{}},
		{"environment without a word", `env: [{name: AGENT, value: "acme/agent:1.0.0"}]`, []string{"docker.io/acme/agent:1.0.0"}},
		{"somebody else's in the environment", `env: [{name: SIDECAR_IMAGE, value: "other/sidecar:1"}]`, []string{"docker.io/other/sidecar:1"}},
		{"one word in the environment", `env: [{name: INIT_IMAGE, value: "busybox:1.36"}]`, []string{"docker.io/library/busybox:1.36"}},
		{"flag", `args: ["--engine-image", "longhornio/longhorn-engine:v1.6.0", "--debug"]`, []string{"docker.io/longhornio/longhorn-engine:v1.6.0"}},
		{"flag without a word", `command: [manager, "--sidecar", "acme/sidecar:1.0.0"]`, []string{"docker.io/acme/sidecar:1.0.0"}},
		{"flag with its value", `args: ["--init-image=busybox:1.36"]`, []string{"docker.io/library/busybox:1.36"}},
		{"long and short are one", `env: [{name: A, value: "index.docker.io/acme/op:1 acme/op:1 docker.io/acme/op:1"}]`, []string{"docker.io/acme/op:1"}},
		{"another tag of the product's", `args: ["hashicorp/vault:latest"]`, []string{"docker.io/hashicorp/vault:latest"}},
		{"digest", `args: ["acme/op@` + digest + `"]`, []string{"docker.io/acme/op@" + digest}},
		{"the product's, of one word", `args: ["postgres:17"]`, []string{"docker.io/library/postgres:17"}},
		{"of another registry, without the host", `args: ["maker/tool:1"]`, []string{"docker.io/maker/tool:1"}},
		{"json", `args: ['{"sidecarImage": "other/sidecar:1", "pull": "if:absent"}']`, []string{"docker.io/other/sidecar:1"}},
		{"escaped json", `args: ['"{\"image\":\"other/sidecar:1\"}"']`, []string{"docker.io/other/sidecar:1"}},

		{"a server", `env: [{name: HOST, value: "postgres:5432"}]`, []string{}},
		{"a server of images", `env: [{name: IMAGE_SERVER, value: "images:8080"}, {name: IMAGE_REGISTRY, value: "registry.example.com:443"}]`, []string{}},
		{"user and group", `args: [chown, "postgres:postgres", "app:app"]`, []string{}},
		{"pull policy", `env: [{name: IMAGE_PULL_POLICY, value: IfNotPresent}, {name: IMAGE_PULL_SECRETS, value: regcred}]`, []string{}},
		{"words with a colon", `args: ["a/b:c", "level:debug", "10/20:30"]`, []string{}},
		{"mount", `args: ["/acme/op:ro", "/var/lib/acme/op:1"]`, []string{}},
		{"URL", `args: ["https://example.com/acme/op:1", "--logo-image=https://example.com/logo.png"]`, []string{}},
		{"below another host", `args: ["registry.example.com/acme/op:1"]`, []string{"registry.example.com/acme/op:1"}},
		{"word that only begins like it", `args: ["acmes/op:1"]`, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := imageNames(ImagesOf(pod(t, tt.fields), acme(t)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ImagesOf(%q) (-want +got):\n%s", tt.fields, diff)
			}
		})
	}
}

// An image that one string names twice is used in one place.
func TestImagesNamesAPlaceOnce(t *testing.T) {
	images := ImagesOf(pod(t, `env: [{name: IMAGE, value: "acme/op:1 acme/op:1"}]`), acme(t))
	if len(images) != 1 || len(images[0].Uses) != 1 {
		t.Errorf("ImagesOf() = %+v, want one image, used once", images)
	}
}
