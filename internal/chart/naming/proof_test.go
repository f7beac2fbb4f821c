package naming

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// inField renders an object that holds text in one field.
func inField(t *testing.T, field, text string) *chart.Rendering {
	t.Helper()
	value := "{{ .Values.text | toJson }}"
	if strings.HasSuffix(strings.ToLower(field), "containers") {
		value = "[{name: c, image: " + value + "}]"
	}
	object := "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nspec: { {{ .Values.field }}: " + value + " }\n"
	return render(t, sample(t, object, nil), map[string]any{"field": field, "text": text})
}

func TestProof(t *testing.T) {
	origin := Origin{
		Folders: []ref.Folder{{Host: "docker.io", Path: "acme"}, {Host: "vendor.example.com", Path: "pg"}},
		Images:  []ref.Reference{image(t, "acme/op:1"), image(t, "vendor.example.com/pg/instance:17"), image(t, "vendor.example.com/pg/instance:16")},
	}
	private := ref.Folder{Host: "registry.example.com", Path: "pg"}
	tests := []struct {
		name, field, text string
		target            ref.Folder
		want              []Cause
	}{
		{"below the target", "image", "registry.example.com/pg/op:1", private, nil},
		{"deep below it", "image", "registry.example.com/pg/team/op:1", private, nil},
		{"no image", "text", "see https://example.com/docs:1 for more", private, nil},
		{"beside the target", "image", "registry.example.com/other/op:1", private, []Cause{Elsewhere}},
		{"a longer name than the target's", "image", "registry.example.com/pgs/op:1", private, []Cause{Elsewhere}},
		{"a third registry", "text", "quay.io/other/op:1", private, []Cause{Elsewhere}},
		{"a third registry without a tag", "baseImageName", "quay.io/other/op", private, []Cause{Elsewhere}},
		{"the target by itself", "imageRegistry", "registry.example.com/pg", private, nil},
		{"a container's that is none", "containers", "registry.example.com/pg/Op:1", private, []Cause{NoReference}},
		{"a container's with half a digest", "initContainers", "registry.example.com/pg/op:1@", private, []Cause{NoReference}},
		{"a container's, of the source, that is none", "containers", "vendor.example.com/pg/Op:1", private, []Cause{NoReference}},
		{"a container's without one", "containers", "", private, nil},
		{"another's that is none", "image", "Big Picture", private, nil},
		{"one word", "image", "busybox", private, []Cause{Elsewhere}},
		{"the source", "text", "vendor.example.com/pg/instance:16", private, []Cause{NamesSource}},
		{"the source without a tag", "text", "vendor.example.com/pg/instance", private, []Cause{NamesSource}},
		{"the source in prose", "text", "It comes from vendor.example.com/pg.", private, []Cause{NamesSource}},
		{"what was not relocated", "text", "vendor.example.com/pg/instance:17", private, []Cause{NotRelocated}},
		{"Docker Hub in full", "text", "docker.io/acme/op", private, []Cause{NamesSource}},
		{"Docker Hub by its other name", "text", "index.docker.io/acme/op", private, []Cause{NamesSource}},
		{"Docker Hub by its third name", "text", "registry-1.docker.io/acme/any:1", private, []Cause{NamesSource}},
		{"Docker Hub, short", "text", "acme/any:1", private, []Cause{NamesSource}},
		{"Docker Hub, short, without a tag", "text", "acme/op", private, []Cause{NamesSource}},
		{"Docker Hub, as the value of a flag", "text", "--operand=acme/op", private, []Cause{NamesSource}},
		{"Docker Hub, as the value of a setting", "text", "operand = 'acme/op'", private, nil},
		{"Docker Hub, as the value of a property", "text", "operand=\"acme/op\"", private, []Cause{NamesSource}},
		{"two on two lines", "text", "a: quay.io/a/b:1\nb: quay.io/a/c:1", private, []Cause{Elsewhere, Elsewhere}},
		{"target at Docker Hub", "text", "docker.io/mirror/op:1", ref.Folder{Host: "docker.io", Path: "mirror"}, nil},
		{"target at Docker Hub, short", "image", "mirror/op:1", ref.Folder{Host: "docker.io", Path: "mirror"}, nil},
		{"target at Docker Hub by its other name", "image", "mirror/op:1", ref.Folder{Host: "index.docker.io", Path: "mirror"}, nil},
		{"beside the target at Docker Hub", "image", "mirrors/op:1", ref.Folder{Host: "docker.io", Path: "mirror"}, []Cause{Elsewhere}},
		{"the source beside the target at Docker Hub", "text", "acme/op:1", ref.Folder{Host: "docker.io", Path: "mirror"}, []Cause{NamesSource}},
		{"target below the source", "text", "vendor.example.com/pg/mirror/op:1", ref.Folder{Host: "vendor.example.com", Path: "pg/mirror"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			proof := Proof{Target: tt.target, Origin: origin, Absent: []ref.Reference{image(t, "vendor.example.com/pg/instance:17")}}
			var got []Cause
			for _, place := range proof.Check(inField(t, tt.field, tt.text)).Open {
				got = append(got, place.Cause)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Check(%s: %q) (-want +got):\n%s", tt.field, tt.text, diff)
			}
		})
	}
}

// Hooks, custom resources and ConfigMaps are held against the proof; the schemas of CRDs are not.
func TestProofLooksEverywhere(t *testing.T) {
	chart := sample(t, `
apiVersion: batch/v1
kind: Job
metadata: {name: hook, annotations: {"helm.sh/hook": post-install}}
spec: {template: {spec: {initContainers: [{image: "quay.io/a/hook:1"}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  config.json: |
    {"defaultImage": "other/default:1"}
---
apiVersion: example.com/v1
kind: Cluster
metadata: {name: cluster}
spec: {imageName: "quay.io/a/custom:1"}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crd}
spec: {default: "quay.io/a/crd:1"}
`, nil)
	findings := Proof{Target: ref.Folder{Host: "registry.example.com"}}.Check(render(t, chart, nil))
	var got []string
	for _, place := range findings.Open {
		got = append(got, place.Use.String()+": "+place.Image.String())
	}
	want := []string{
		"ConfigMap config data.config.json: docker.io/other/default:1",
		"Cluster cluster spec.imageName: quay.io/a/custom:1",
		"Job hook spec.template.spec.initContainers[0].image: quay.io/a/hook:1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Check() (-want +got):\n%s", diff)
	}
}

func TestAccept(t *testing.T) {
	place := Use{Kind: "Deployment", Namespace: "ns", Name: "op", Path: "spec.template.spec.containers[0].image"}
	tests := []struct {
		in   string
		want bool
	}{
		{"Deployment/op:spec.template.spec.containers[0].image", true},
		{"deployment/op:spec.template.spec.containers[0].image=ours, and it stays", true},
		{"Deployment/ns/op:spec.template.spec.containers[0].image", true},
		{"Deployment/op:spec.template.spec.containers[*].image", true},
		{"Deployment/op:spec.template", true},
		{"Deployment/op:*", true},
		{"Deployment/*:spec", true},
		{"Deployment/other/op:spec", false},
		{"Deployment/o:spec", false},
		{"StatefulSet/op:spec", false},
		{"Deployment/op:spec.template.spec.containers[1].image", false},
		{"Deployment/op:spec.temp", false},
		{"Deployment/op:spec.template.spec.containers[0].image.tag", false},
	}
	for _, tt := range tests {
		accept, err := ParseAccept(tt.in)
		if err != nil {
			t.Errorf("ParseAccept(%q) = %v", tt.in, err)
		}
		if got := accept.covers(place); got != tt.want {
			t.Errorf("%q covers %v: %v, want %v", tt.in, place, got, tt.want)
		}
	}
	for _, in := range []string{"", "Deployment", "Deployment/op", "Deployment/op:", "/op:spec", "Deployment/:spec", "a/b/c/d:spec", "Deployment/op=spec"} {
		if got, err := ParseAccept(in); err == nil {
			t.Errorf("ParseAccept(%q) = %v, want an error", in, got)
		}
	}
}

// What is accepted is listed with its reason, and what accepts nothing is told of.
func TestProofAccepts(t *testing.T) {
	accept, err := ParseAccept("Thing/t:spec.text=it is prose")
	if err != nil {
		t.Fatal(err)
	}
	unused := Accept{Kind: "ConfigMap", Name: "gone", Path: "data"}
	proof := Proof{Target: ref.Folder{Host: "registry.example.com"}, Accept: []Accept{unused, accept}}
	findings := proof.Check(inField(t, "text", "quay.io/a/b:1"))
	if len(findings.Open) != 0 || len(findings.Accepted) != 1 || findings.Accepted[0].Reason != "it is prose" {
		t.Errorf("Check() = %+v, want one accepted place with its reason", findings)
	}
	if diff := cmp.Diff([]Accept{unused}, findings.Unused); diff != "" {
		t.Errorf("Check() unused (-want +got):\n%s", diff)
	}
}

// What names a source registry is found as a whole word, and not as a part of another one.
func TestProofFindsSources(t *testing.T) {
	tests := []struct {
		name, text string
		sources    []string
		target     string
		want       bool
	}{
		{"gone", "private.example.com/a:1", []string{"vendor.example.com"}, "private.example.com", false},
		{"left", "image=vendor.example.com/a:1", []string{"vendor.example.com"}, "private.example.com", true},
		{"left without a tag", "vendor.example.com/a", []string{"vendor.example.com"}, "private.example.com", true},
		{"left in the second line", "fine\nvendor.example.com/a", []string{"other.example.com", "vendor.example.com"}, "", true},
		{"left in a sentence", "see vendor.example.com.", []string{"vendor.example.com"}, "", true},
		{"longer host in front", "not-vendor.example.com/a", []string{"vendor.example.com"}, "", false},
		{"longer host behind", "vendor.example.com.au/a", []string{"vendor.example.com"}, "", false},
		{"second one on the line", "not-vendor.example.com vendor.example.com/a", []string{"vendor.example.com"}, "", true},
		{"source with a path", "registry.example.com/other/a:1", []string{"registry.example.com/pg"}, "registry.example.com/other", false},
		{"target below the source", "registry.example.com/mirror/a:1", []string{"registry.example.com"}, "registry.example.com/mirror", false},
		{"source beside a target below it", "registry.example.com/a:1", []string{"registry.example.com"}, "registry.example.com/mirror", true},
		{"port", "registry.example.com:5000/a:1", []string{"registry.example.com:5000"}, "registry.example.com", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			proof := Proof{Target: folder(t, tt.target)}
			for _, source := range tt.sources {
				proof.Origin.Folders = append(proof.Origin.Folders, folder(t, source))
			}
			places := proof.Check(inConfigMap(t, tt.text)).Open
			if got := len(places) > 0; got != tt.want {
				t.Errorf("Check(%q), sources %v, target %q = %v, want some: %v", tt.text, tt.sources, tt.target, places, tt.want)
			}
		})
	}
}

func folder(t *testing.T, name string) ref.Folder {
	t.Helper()
	if name == "" {
		return ref.Folder{}
	}
	f, err := ref.ParseFolder(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
