package pinning_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/chart/pinning"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const host = "registry.example.com"

func image(name string) ref.Reference {
	return ref.Reference{Host: host, Repository: "pg/" + name, Tag: "1.2"}
}

// digestOf is a digest of its own for each image, but that twin is the same as op.
func digestOf(image ref.Reference) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(strings.Replace(image.Repository, "twin", "op", 1))))
}

// pod is a template of a pod whose image an expression gives.
func pod(name, expression string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\nspec: {containers: [{name: c, image: \"" + expression + "\"}]}\n---\n"
}

// The shapes in which charts take digests, or do not: each is tried, and rendering tells.
func TestPin(t *testing.T) {
	const usual = "op: {repository: " + host + "/pg/op, tag: \"1.2\"}\n"
	tests := []struct {
		name, values, template, schema string
		tags                           map[ref.Reference][]string
		want                           []string // the images that the rendering then names
		pinned                         string
	}{
		{
			name: "a digest beside the tag", values: usual,
			template: pod("op", `{{ .Values.op.repository }}:{{ .Values.op.tag }}{{ with .Values.op.digest }}@{{ . }}{{ end }}`),
			want:     []string{"op:1.2@"}, pinned: "op",
		}, {
			name: "a digest beside a tag that is said", values: "op: {repository: " + host + "/pg/op}\n",
			template: pod("op", `{{ .Values.op.repository }}{{ with .Values.op.tag }}:{{ . }}{{ end }}{{ with .Values.op.digest }}@{{ . }}{{ else }}:{{ $.Chart.AppVersion }}{{ end }}`),
			want:     []string{"op:1.2@"}, pinned: "op",
		}, {
			name: "a digest in the place of the tag", values: usual,
			template: pod("op", `{{ .Values.op.repository }}{{ if .Values.op.digest }}@{{ .Values.op.digest }}{{ else }}:{{ .Values.op.tag }}{{ end }}`) +
				"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {version: \"{{ .Values.op.tag }}\"}\n",
			want: []string{"op@"}, pinned: "op",
		}, {
			name: "a tag that takes one", values: "op: {repository: " + host + "/pg/op, tag: \"\"}\n",
			template: pod("op", `{{ .Values.op.repository }}:{{ .Values.op.tag | default .Chart.AppVersion }}`),
			want:     []string{"op:1.2@"}, pinned: "op",
		}, {
			name: "a tag elsewhere that takes one", values: "opImage: " + host + "/pg/op\nopTag: \"1.2\"\n",
			template: pod("op", `{{ .Values.opImage }}:{{ .Values.opTag }}`), tags: map[ref.Reference][]string{image("op"): {"opTag"}},
			want: []string{"op:1.2@"}, pinned: "op",
		}, {
			name: "a bare number", values: usual,
			template: pod("op", `{{ .Values.op.repository }}:{{ .Values.op.tag }}{{ with .Values.op.sha }}@sha256:{{ . }}{{ end }}`),
			want:     []string{"op:1.2@"}, pinned: "op",
		}, {
			name: "a registry for all", values: "registry: " + host + "\nop: {repository: pg/op, tag: \"1.2\"}\n",
			template: pod("op", `{{ .Values.registry }}/{{ .Values.op.repository }}:{{ .Values.op.tag }}`),
			want:     []string{"op:1.2@"}, pinned: "op",
		}, {
			name: "a tag that is a label too", values: usual,
			template: strings.Replace(pod("op", `{{ .Values.op.repository }}:{{ .Values.op.tag }}`), "{name: op}", "{name: op, labels: {version: \"{{ .Values.op.tag }}\"}}", 1),
			want:     []string{"op:1.2"},
		}, {
			name: "one tag for two", values: usual,
			template: pod("op", `{{ .Values.op.repository }}:{{ .Values.op.tag }}`) + pod("web", host+`/pg/web:{{ .Values.op.tag }}`),
			want:     []string{"op:1.2", "web:1.2"},
		}, {
			name: "in one place of two", values: usual,
			template: pod("op", `{{ .Values.op.repository }}:{{ .Values.op.tag }}{{ with .Values.op.digest }}@{{ . }}{{ end }}`) + pod("init", host+`/pg/op:1.2`),
			want:     []string{"op:1.2", "op:1.2"},
		}, {
			name: "a schema that takes it of one alone", values: usual + "web: {repository: " + host + "/pg/web, tag: \"1.2\"}\n",
			schema: `{"properties": {"web": {"additionalProperties": false, "properties": {"repository": {}, "tag": {"maxLength": 9}}}}}`,
			template: pod("op", `{{ .Values.op.repository }}:{{ .Values.op.tag }}{{ with .Values.op.digest }}@{{ . }}{{ end }}`) +
				pod("web", `{{ .Values.web.repository }}:{{ .Values.web.tag }}`),
			want: []string{"op:1.2@", "web:1.2"}, pinned: "op",
		}, {
			name: "one content under two names", values: usual + "twin: {repository: " + host + "/pg/twin, tag: \"1.2\"}\n",
			template: pod("op", `{{ .Values.op.repository }}:{{ .Values.op.tag }}`) + pod("twin", `{{ .Values.twin.repository }}:{{ .Values.twin.tag }}`),
			want:     []string{"op:1.2@", "twin:1.2@"}, pinned: "op twin",
		}, {
			name: "nothing that is a value", values: "x: {}\n", template: pod("op", host+"/pg/op:1.2"), want: []string{"op:1.2"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{
				"Chart.yaml":  "apiVersion: v2\nname: c\nversion: 1.0.0\nappVersion: \"1.2\"\n",
				"values.yaml": tt.values, "templates/all.yaml": tt.template,
			}
			if tt.schema != "" {
				files["values.schema.json"] = tt.schema
			}
			pinned, rendering := pin(t, files, tt.tags)
			if got := names(pinned.Images); got != tt.pinned {
				t.Errorf("Pin() pins %q, want %q; values %v", got, tt.pinned, pinned.Values)
			}
			var got, open []string
			for _, m := range naming.Mentions(rendering, naming.Origin{}) {
				name, digest, isPinned := strings.Cut(strings.TrimPrefix(m.Image.String(), host+"/pg/"), "@")
				if isPinned {
					if short, _, _ := strings.Cut(name, ":"); digest != digestOf(image(short)) {
						t.Errorf("%s has the digest %s", name, digest)
					}
					name += "@"
				} else if short, _, _ := strings.Cut(name, ":"); !slices.Contains(open, short) {
					open = append(open, short)
				}
				got = append(got, name)
			}
			if left := names(pinned.Open); left != strings.Join(open, " ") {
				t.Errorf("Pin() leaves %q, want %q", left, open)
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("the rendering names %q, want %q", got, tt.want)
			}
		})
	}
}

func pin(t *testing.T, files map[string]string, tags map[ref.Reference][]string) (*pinning.Pinned, *chart.Rendering) {
	t.Helper()
	c, err := chart.Parse(charttest.Pack(t, files))
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Coalesce(t.Context(), nil, chart.Confinement{})
	if err != nil {
		t.Fatal(err)
	}
	render := func(ctx context.Context, values map[string]any) (*chart.Rendering, error) {
		return c.Render(ctx, values, chart.RenderOptions{Release: "r", Namespace: "n"})
	}
	pinned, err := pinning.Pinning{
		Values: map[string]any{}, All: all.Values, Render: render, Images: []ref.Reference{image("op"), image("web"), image("twin"), image("absent")}, Tags: tags,
		Digest: func(_ context.Context, image ref.Reference) (string, error) {
			if strings.HasSuffix(image.Repository, "absent") {
				t.Error("the digest of an image is asked for that nothing names")
			}
			return digestOf(image), nil
		},
	}.Pin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rendering, err := render(t.Context(), pinned.Values)
	if err != nil {
		t.Fatal(err)
	}
	return pinned, rendering
}

func names(images []ref.Reference) string {
	var all []string
	for _, image := range images {
		all = append(all, strings.TrimPrefix(image.Repository, "pg/"))
	}
	return strings.Join(all, " ")
}

// Who cannot tell a digest is an error, and a chart that cannot be rendered proves nothing.
func TestPinFails(t *testing.T) {
	broken := errors.New("broken")
	one := pinning.Pinning{
		Values: map[string]any{"x": 1}, Images: []ref.Reference{image("op")},
		Render: func(context.Context, map[string]any) (*chart.Rendering, error) { return nil, broken },
	}
	if pinned, err := one.Pin(t.Context()); err != nil || pinned.Rendered || len(pinned.Images) > 0 || len(pinned.Values) != 1 {
		t.Errorf("Pin(a chart that is not rendered) = %+v, %v, want the values as they were", pinned, err)
	}
	c, err := chart.Parse(charttest.Pack(t, map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "templates/all.yaml": pod("op", `{{ .Values.op.repository }}:1.2`),
	}))
	if err != nil {
		t.Fatal(err)
	}
	op := map[string]any{"op": map[string]any{"repository": host + "/pg/op"}}
	one = pinning.Pinning{
		Values: op, All: op, Images: []ref.Reference{image("op")},
		Render: func(ctx context.Context, values map[string]any) (*chart.Rendering, error) {
			return c.Render(ctx, values, chart.RenderOptions{Release: "r", Namespace: "n"})
		},
		Digest: func(context.Context, ref.Reference) (string, error) { return "", broken },
	}
	if _, err := one.Pin(t.Context()); !errors.Is(err, broken) {
		t.Errorf("Pin() = %v, want %v", err, broken)
	}
}
