package formats_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/formats"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const (
	one = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	two = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

func item(t *testing.T, role versions.Role, source, target, digest string) formats.Item {
	t.Helper()
	from, err := ref.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	to, err := ref.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return formats.Item{Artifact: versions.Artifact{Role: role, Source: from, Target: to}, Digest: digest}
}

func items(t *testing.T) []formats.Item {
	classic := item(t, versions.RoleChart, "charts.example.com/acme/exporter:1.2.3_rc1", "r.example.com/pg/exporter:1.2.3_rc1", "")
	classic.ChartURL = "https://charts.example.com/acme"
	return []formats.Item{
		item(t, versions.RoleChart, "vendor.example.com/charts/operator:v1", "r.example.com/pg/operator-chart:v1", one),
		item(t, versions.RoleOperator, "vendor.example.com/operator:v1", "r.example.com/pg/operator:v1", two),
		item(t, versions.RoleInstance, "vendor.example.com/postgres:17", "r.example.com/pg/postgres:17", ""),
		classic,
	}
}

// Each format is what its tool documents; what it has no place for stands in a comment.
func TestExport(t *testing.T) {
	want := map[formats.Format]string{
		formats.Images: "vendor.example.com/operator:v1@" + two + "\nvendor.example.com/postgres:17\n",
		formats.Regsync: `# not in here, for this format has no place for it: https://charts.example.com/acme
version: 1
sync:
  - source: vendor.example.com/charts/operator:v1@` + one + `
    target: r.example.com/pg/operator-chart:v1
    type: image
  - source: vendor.example.com/operator:v1@` + two + `
    target: r.example.com/pg/operator:v1
    type: image
  - source: vendor.example.com/postgres:17
    target: r.example.com/pg/postgres:17
    type: image
`,
		formats.Skopeo: `# skopeo sync cannot put this where it was relocated to: it keeps the last element of each repository
# not in here, for this format has no place for it: https://charts.example.com/acme
vendor.example.com:
  images:
    charts/operator:
      - v1
    operator:
      - v1
    postgres:
      - "17"
`,
		formats.Hauler: `apiVersion: content.hauler.cattle.io/v1
kind: Images
metadata:
  name: pgrelocate
spec:
  images:
    - name: vendor.example.com/operator:v1
    - name: vendor.example.com/postgres:17
---
apiVersion: content.hauler.cattle.io/v1
kind: Charts
metadata:
  name: pgrelocate
spec:
  charts:
    - name: operator
      repoURL: oci://vendor.example.com/charts
      version: v1
    - name: exporter
      repoURL: https://charts.example.com/acme
      version: 1.2.3+rc1
`,
		formats.OCMirror: `# not in here, for this format has no place for it: vendor.example.com/charts/operator:v1
apiVersion: mirror.openshift.io/v2alpha1
kind: ImageSetConfiguration
mirror:
  additionalImages:
    - name: vendor.example.com/operator:v1@` + two + `
    - name: vendor.example.com/postgres:17
  helm:
    repositories:
      - name: exporter
        url: https://charts.example.com/acme
        charts:
          - name: exporter
            version: 1.2.3+rc1
`,
	}
	for format, text := range want {
		got, err := formats.Export(format, items(t))
		if diff := cmp.Diff(text, string(got)); err != nil || diff != "" {
			t.Errorf("Export(%s) = %v (-want +got):\n%s", format, err, diff)
		}
	}
	if got, err := formats.Export("zarf", items(t)); err == nil {
		t.Errorf("Export() of a format that is not there = %s, want an error", got)
	}
}

// Charts of one repository stand below it once; two repositories with a chart of the same name have names
// of their own.
func TestChartsForOCMirror(t *testing.T) {
	classic := func(url, name, tag string) formats.Item {
		i := item(t, versions.RoleChart, "charts.example.com/"+name+":"+tag, "r.example.com/pg/"+name+":"+tag, "")
		i.ChartURL = url
		return i
	}
	got, err := formats.Export(formats.OCMirror, []formats.Item{
		classic("https://a.example.com", "exporter", "1.0.0"), classic("https://b.example.com", "exporter", "1.0.0"),
		classic("https://a.example.com", "exporter", "2.0.0"), classic("https://c.example.com", "exporter", "3.0.0"),
	})
	want := `apiVersion: mirror.openshift.io/v2alpha1
kind: ImageSetConfiguration
mirror:
  additionalImages: []
  helm:
    repositories:
      - name: exporter
        url: https://a.example.com
        charts:
          - name: exporter
            version: 1.0.0
          - name: exporter
            version: 2.0.0
      - name: exporter-2
        url: https://b.example.com
        charts:
          - name: exporter
            version: 1.0.0
      - name: exporter-3
        url: https://c.example.com
        charts:
          - name: exporter
            version: 3.0.0
`
	if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
		t.Errorf("Export(oc-mirror) = %v (-want +got):\n%s", err, diff)
	}
}

// Where skopeo can put everything where we would, the command that does stands at the head.
func TestSkopeoSaysHow(t *testing.T) {
	got, err := formats.Export(formats.Skopeo, items(t)[1:3])
	if err != nil || !strings.HasPrefix(string(got), "# skopeo sync --all --src yaml --dest docker FILE r.example.com/pg\n") {
		t.Errorf("Export(skopeo) = %v:\n%s", err, got)
	}
}

func documents(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	var all []map[string]any
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var one map[string]any
		err := d.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
}

func TestDeployments(t *testing.T) {
	d := formats.Deployment{
		Chart: items(t)[0], Name: "operator", Namespace: "postgres", Values: map[string]any{"image": "r.example.com/pg/operator:v1"}, PullSecret: "regsecret",
	}
	text, err := formats.ArgoCD(d)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"repoURL": "r.example.com/pg", "chart": "operator-chart", "targetRevision": "v1", "helm": map[string]any{"releaseName": "operator", "valuesObject": d.Values}}
	if diff := cmp.Diff(want, documents(t, text)[0]["spec"].(map[string]any)["source"]); diff != "" {
		t.Errorf("ArgoCD() has the source:\n%s", diff)
	}
	if text, err = formats.Flux(d); err != nil {
		t.Fatal(err)
	}
	all := documents(t, text)
	from := all[0]["spec"].(map[string]any)
	if len(all) != 2 || from["url"] != "oci://r.example.com/pg/operator-chart" || from["ref"].(map[string]any)["digest"] != one {
		t.Errorf("Flux() =\n%s\nwant the chart by its digest", text)
	}
	d.Chart.Digest = ""
	if text, err = formats.Flux(d); err != nil || !strings.Contains(string(text), "tag: v1") {
		t.Errorf("Flux() without a digest = %v:\n%s\nwant the tag", err, text)
	}
}

func TestPolicy(t *testing.T) {
	known := items(t)[:2]
	for name, tt := range map[string]struct {
		opts       formats.PolicyOptions
		has, hasnt []string
	}{
		"by tag too": {formats.PolicyOptions{Name: "p"}, []string{`"r.example.com/pg/operator:v1"`, `"r.example.com/pg/operator@` + two + `"`}, []string{"vendor.example.com", "operator-chart", "namespaceSelector"}},
		"by digest":  {formats.PolicyOptions{Name: "p", Pinned: true}, []string{`"r.example.com/pg/operator:v1@` + two + `"`}, []string{`"r.example.com/pg/operator:v1"`}},
		"vendor's":   {formats.PolicyOptions{Name: "p", VendorNames: true, Namespaces: []string{"demo"}}, []string{`"vendor.example.com/operator:v1"`, "kubernetes.io/metadata.name"}, nil},
	} {
		text, err := formats.Policy(known, tt.opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range tt.has {
			if !strings.Contains(string(text), word) {
				t.Errorf("%s: Policy() lacks %s:\n%s", name, word, text)
			}
		}
		for _, word := range tt.hasnt {
			if strings.Contains(string(text), word) {
				t.Errorf("%s: Policy() has %s:\n%s", name, word, text)
			}
		}
	}
	if _, err := formats.Policy(items(t), formats.PolicyOptions{Name: "p"}); err == nil || !strings.Contains(err.Error(), "digest") {
		t.Errorf("Policy() without a digest = %v, want an error", err)
	}
}

func TestParseImages(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // with the platforms' digests after a space
	}{
		{"lines", "\ufeff# ours\r\nquay.io/a/b:1 # the database\n\nnginx\nquay.io/a/b@" + one + "\nquay.io/a/b:1\n", []string{"quay.io/a/b:1", "docker.io/library/nginx:latest", "quay.io/a/b@" + one}},
		{"one line", "localhost:5000/a:1", []string{"localhost:5000/a:1"}},
		{"dt", "apiVersion: v0\nkind: ImagesLock\nmetadata: {generatedBy: x}\nchart: {name: c, version: 1.0.0}\nimages:\n- name: c\n  image: quay.io/a/b:1\n  chart: c\n  digests:\n  - {digest: " + one + ", arch: linux/amd64}\n  - {digest: " + two + ", arch: linux/arm64}\n", []string{"quay.io/a/b:1 " + one + " " + two}},
		{"imgpkg", "---\napiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: index.docker.io/library/nginx@" + one + "\n  annotations: {kbld.carvel.dev/id: 'nginx:1.27'}\n- image: quay.io/a/b@" + two + "\n  annotations: {kbld.carvel.dev/id: 'other.io/a/b:1'}\n", []string{"docker.io/library/nginx:1.27@" + one, "quay.io/a/b@" + two}},
		{"imgpkg of old", "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nspec:\n  images:\n  - image: quay.io/a/b@" + one + "\n", []string{"quay.io/a/b@" + one}},
	}
	for _, tt := range tests {
		list, err := formats.ParseImages([]byte(tt.text))
		var got []string
		for _, l := range list {
			got = append(got, strings.Join(append([]string{l.Image.String()}, l.Platforms...), " "))
		}
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: ParseImages() = %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
	for text, want := range map[string]string{
		"":                                 "no image",
		"# nothing\n":                      "no image",
		"quay.io/a/b:1\nhttps://c/d:1":     "line 2: ",
		"a b":                              "line 1: ",
		"user:secret@quay.io/a":            "line 1: ",
		"apiVersion: v1\nkind: Pod\n":      "kind Pod",
		"apiVersion: v7\nkind: ImagesLock": "version v7",
		"apiVersion: v0\nkind: ImagesLock\nimages: [{image: quay.io/a:1, digests: [{digest: 'sha256:1'}]}]": "no digest",
		"apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages: [{image: 'quay.io/a:1'}]":        "no digest",
		"apiVersion: v0\nkind: ImagesLock\nimages: 7\n":                                                     "cannot unmarshal",
		strings.Repeat("#", formats.MaxList+1):                                                              "too long",
	} {
		if list, err := formats.ParseImages([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("ParseImages(%.40q) = %v, %v, want an error with %q", text, list, err, want)
		}
	}
}

func TestArtifacts(t *testing.T) {
	list, err := formats.ParseImages([]byte("quay.io/a/b:1\nquay.io/a/c@" + one + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := formats.Artifacts(list, ref.Folder{Host: "r.example.com", Path: "mirror"})
	if err != nil || all[0].Target.String() != "r.example.com/mirror/a/b:1" || all[1].Target.String() != "r.example.com/mirror/a/c@"+one {
		t.Errorf("Artifacts() = %v, %v, want each below the folder", all, err)
	}
	list, _ = formats.ParseImages([]byte("quay.io/a/b:1\nghcr.io/a/b:1\n"))
	if all, err := formats.Artifacts(list, ref.Folder{Host: "r.example.com"}); err == nil {
		t.Errorf("Artifacts() of two that become one = %v, want an error", all)
	}
}

func FuzzParseImages(f *testing.F) {
	f.Add("quay.io/a/b:1\n# c\n")
	f.Add("apiVersion: v0\nkind: ImagesLock\nimages: [{image: a, digests: [{digest: b}]}]")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := formats.ParseImages([]byte(text))
		if err == nil && len(list) == 0 {
			t.Error("ParseImages() = nothing, and no error")
		}
		for _, l := range list {
			if l.Image.Host == "" || l.Image.Tag == "" && l.Image.Digest == "" {
				t.Errorf("ParseImages() has %v", l.Image)
			}
		}
	})
}
