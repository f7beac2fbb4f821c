package naming

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

const digest = "sha256:20cd8e22a7d0c903e608c3b21f9b344f81f19730047372e7bc499f5f0425b638"

func imageNames(images []UsedImage) []string {
	names := []string{}
	for _, image := range images {
		names = append(names, image.Ref.String())
	}
	return names
}

func TestImagesInStrings(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"argument", `args: ["--acme-http01-solver-image=quay.io/jetstack/cert-manager-acmesolver:v1.19.1"]`, []string{"quay.io/jetstack/cert-manager-acmesolver:v1.19.1"}},
		{"argument that is a word", "--image reg.example.com/a/b:1 --other", []string{"reg.example.com/a/b:1"}},
		{"two with one separator", "reg.example.com/a:1,reg.example.com/b:2", []string{"reg.example.com/a:1", "reg.example.com/b:2"}},
		{"json", `{"image":"reg.example.com/a:1","pull":true}`, []string{"reg.example.com/a:1"}},
		{"escaped json", `"{\"image\":\"reg.example.com/a:1\"}"`, []string{"reg.example.com/a:1"}},
		{"port", "reg.example.com:5000/a/b:1", []string{"reg.example.com:5000/a/b:1"}},
		{"name with port", "registry:5000/a/b:1", []string{"registry:5000/a/b:1"}},
		{"localhost", "localhost/a:1 localhost:5000/a:1", []string{"localhost/a:1", "localhost:5000/a:1"}},
		{"digest", "ghcr.io/a/b@" + digest, []string{"ghcr.io/a/b@" + digest}},
		{"tag and digest", "ghcr.io/a/b:17.5@" + digest, []string{"ghcr.io/a/b:17.5@" + digest}},
		{"end of a sentence", "it uses ghcr.io/a/b:17.5.", []string{"ghcr.io/a/b:17.5"}},
		{"with a scheme", "docker://ghcr.io/a/b:1 oci://ghcr.io/charts/c:2", []string{"ghcr.io/a/b:1", "ghcr.io/charts/c:2"}},
		{"docker.io in full", "docker.io/library/nginx:1.27", []string{"docker.io/library/nginx:1.27"}},
		{"underscores and dashes", "registry.opensource.zalan.do/acid/pg__bouncer-x:master-32", []string{"registry.opensource.zalan.do/acid/pg__bouncer-x:master-32"}},
		{"annotation", "cert-manager.io/inject-ca-from: ns/name", []string{}},
		{"API group", "postgresql.cnpg.io/v1", []string{}},
		{"URL", "https://example.com/path:80 http://example.com:8080/a:b", []string{}},
		{"host and port", "prometheus.monitoring.svc:9090/metrics", []string{}},
		{"short name in prose", "nginx:1.27 busybox", []string{}},
		{"template", "{{ .Host }}/a/b:{{ .Tag }} reg.example.com/a:{{ .Tag }}", []string{}},
		{"upper case path", "example.com/Path:tag", []string{}},
		{"digest cut short", "ghcr.io/a/b@sha256:20cd8e", []string{}},
		{"time", "2026-01-01T00:00:00Z 10:20:30 a.b/c", []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := imageNames(Images(inConfigMap(t, tt.text)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Images(%q) (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestImagesInFields(t *testing.T) {
	tests := []struct {
		name, yaml string
		want       []string
	}{
		{"short name", "image: nginx", []string{"docker.io/library/nginx:latest"}},
		{"short name with tag", "image: acid/spilo-18:4.1-p2", []string{"docker.io/acid/spilo-18:4.1-p2"}},
		{"no tag", "image: reg.example.com/a", []string{"reg.example.com/a:latest"}},
		{"field that ends in Image", "instanceImage: reg.example.com/a", []string{"reg.example.com/a:latest"}},
		{"flag that ends in Image", "pullImage: always", []string{}},
		{"image that is no image", "image: Always Pull", []string{}},
		{"empty", `image: ""`, []string{}},
		{"map", "image: {repository: a, tag: b}", []string{}},
		{"parts", "image: {repository: acme/a, tag: 17}", []string{"docker.io/acme/a:17"}},
		{"parts with a host", "backup: {repository: reg.example.com/a, tag: b}", []string{"reg.example.com/a:b"}},
		{"parts with a registry", "image: {registry: reg.example.com, repository: a, digest: 'sha256:" + strings.Repeat("a", 64) + "'}", []string{"reg.example.com/a@sha256:" + strings.Repeat("a", 64)}},
		{"parts below a registry", "{pullRegistry: reg.example.com/x, list: [{image: {name: a, tag: b}}]}", []string{"reg.example.com/x/a:b"}},
		{"parts of something else", "source: {repository: acme/charts, tag: b}", []string{}},
		{"parts of an address", "chart: {repository: 'https://charts.example.com', tag: b}", []string{}},
		{"parts in JSON", `config: '{"image": {"repository": "reg.example.com/a", "tag": "b"}}'`, []string{"reg.example.com/a:b"}},
		{"parts in documents of a string", "config: |\n    a: b\n    ---\n    image:\n      name: reg.example.com/a\n      tag: b", []string{"reg.example.com/a:b"}},
		{"parts beside a key that is there twice", "config: |\n    image: {repository: reg.example.com/a, tag: b}\n    x: 1\n    x: 2", []string{"reg.example.com/a:b"}},
		{"parts that are there twice", `config: '{"image": {"repository": "one.example.com/a", "tag": "b", "repository": "two.example.com/a"}}'`, []string{"one.example.com/a:b", "two.example.com/a:b"}},
		{"parts before what is no document", "config: |\n    image: {repository: reg.example.com/a, tag: b}\n    ---\n    *x", []string{"reg.example.com/a:b"}},
		{"parts under keys with escapes", `config: '{"image": {"repositor\u0079": "reg.example.com/a", "t\u0061g": "b"}}'`, []string{"reg.example.com/a:b"}},
		{"a name with escapes", `config: '{"image": "reg.example.com\/a:b", "i": ["two.example.com\u002fa:b"]}'`, []string{"reg.example.com/a:b", "two.example.com/a:b"}},
		{"escapes elsewhere", `config: '{"image": "reg.example.com/a:b", "other": "\/"}'`, []string{"reg.example.com/a:b"}},
		{"a string that ends within a document", `config: '{"image": {"repository": "reg.example.com/a", "tag": "b"'`, []string{}},
		{"bad digest", "image: reg.example.com/a@sha256:12", []string{}},
		{"list", "images: [{major: 17, image: 'reg.example.com/pg:17'}]", []string{"reg.example.com/pg:17"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			object := "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nspec:\n  " + tt.yaml + "\n"
			got := imageNames(Images(render(t, sample(t, object, nil), nil)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Images(%q) (-want +got):\n%s", tt.yaml, diff)
			}
		})
	}
}

// Hooks and crds/ are rendered; the schemas of CRDs are no images.
func TestImagesOfHooksAndCRDs(t *testing.T) {
	crd := "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: %s}\nspec:\n  default: reg.example.com/crd:1\n  image: x\n"
	chart := sample(t, `
apiVersion: batch/v1
kind: Job
metadata: {name: check, annotations: {"helm.sh/hook": post-install}}
spec: {template: {spec: {containers: [{image: "reg.example.com/check:1"}]}}}
---
`+strings.Replace(crd, "%s", "b", 1), map[string]string{"crds/a.yaml": strings.Replace(crd, "%s", "a", 1)})
	rendering := render(t, chart, nil)
	if got, want := len(rendering.Objects), 3; got != want {
		t.Fatalf("Render() = %d objects, want %d", got, want)
	}
	if !rendering.Objects[0].FromCRDs || !rendering.Objects[2].Hook {
		t.Errorf("Render() = CRD first %v, hook last %v, want both", rendering.Objects[0].FromCRDs, rendering.Objects[2].Hook)
	}
	got := Images(rendering)
	want := []string{"reg.example.com/check:1"}
	if diff := cmp.Diff(want, imageNames(got)); diff != "" {
		t.Fatalf("Images() (-want +got):\n%s", diff)
	}
	if got, want := got[0].Uses[0].String(), "Job check spec.template.spec.containers[0].image"; got != want {
		t.Errorf("Use.String() = %q, want %q", got, want)
	}
}

// A repository without a tag is no image, and is found where its place says what it is.
func TestUntagged(t *testing.T) {
	rendering, err := chart.ParseManifest(`
apiVersion: v1
kind: Pod
metadata: {name: p, annotations: {cert-manager.io/inject-ca-from: ns/x}}
spec:
  containers:
  - image: nginx
    env:
    - {name: SIDECAR_IMAGE, value: quay.io/acme/sidecar}
    - {name: TAGGED_IMAGE, value: "quay.io/acme/tagged:1"}
    - {name: TRIVY_DB_REPOSITORY, value: "mirror.gcr.io/acme/db,ghcr.io/acme/db"}
    - {name: TRIVY_JAVA_REPOSITORY, value: "ghcr.io/acme/java:1"}
    - {name: GIT_REPOSITORY, value: "https://github.com/acme/charts"}
    - {name: HOME_PAGE, value: example.com/home}
`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range UntaggedIn(rendering, Origin{}) {
		got = append(got, name.Repository.String())
	}
	want := []string{"quay.io/acme/sidecar", "mirror.gcr.io/acme/db", "ghcr.io/acme/db"}
	if !slices.Equal(got, want) {
		t.Errorf("Untagged() = %v, want %v", got, want)
	}
}
