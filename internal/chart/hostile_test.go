package chart

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
)

// serveArgument makes the test's own program render, as a Confinement's command does.
const serveArgument = "serve-a-rendering"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == serveArgument {
		if err := Serve(context.Background(), os.Stdin, os.Stdout, os.Exit); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// confined renders in a process.
func confined(t *testing.T) RenderOptions {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return RenderOptions{Release: "r", Namespace: "ns", Confinement: Confinement{
		Command: []string{program, serveArgument}, Timeout: time.Minute, Memory: 256 << 20,
	}}
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"

// In a process of its own a chart renders as it does in this one, values of every kind too.
func TestConfinedRendersTheSame(t *testing.T) {
	chart := sample(t, configMap+`data:
  all: {{ .Values | toJson | quote }}
  number: {{ .Values.number }}
  large: {{ .Values.large }}
  isNull: {{ kindIs "invalid" .Values.gone }}
---
apiVersion: v1
kind: Pod
metadata: {name: hook, annotations: {"helm.sh/hook": post-install}}
spec: {replicas: 3, ratio: 0.5}
`, map[string]string{
		"values.yaml": "gone: here\nlarge: 1000000\n", "crds/a.yaml": "kind: CustomResourceDefinition\nmetadata: {name: a}\n",
	})
	values := map[string]any{
		"number": int64(1_000_000), "text": "x", "yes": true, "gone": nil, "float": 1.5,
		"list": []any{int64(1), nil, "a", map[string]any{"b": nil}}, "map": map[string]any{},
	}
	here := render(t, chart, values)
	there, err := chart.Render(t.Context(), values, confined(t))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := there.Manifest(), here.Manifest(); got != want {
		t.Errorf("Render() in a process =\n%s\nwant\n%s", got, want)
	}
	for i, object := range there.Objects {
		if want := here.Objects[i]; fmt.Sprintf("%#v", object) != fmt.Sprintf("%#v", want) {
			t.Errorf("object %d = %#v, want %#v", i, object, want)
		}
	}
	defaults, err := chart.Defaults(t.Context(), confined(t).Confinement)
	if err != nil || defaults["gone"] != "here" {
		t.Errorf("Defaults() = %v, %v, want gone: here", defaults, err)
	}
	bad := sample(t, `{{ required "it is needed" .Values.none }}`, nil)
	if _, err := bad.Render(t.Context(), nil, confined(t)); err == nil || !strings.Contains(err.Error(), "it is needed") {
		t.Errorf("Render() = %v, want the template's own words", err)
	}
}

// doubling is a template that calls itself twice, so many times over.
func doubling(depth int) string {
	var b strings.Builder
	b.WriteString(`{{ define "t0" }}{{ end }}`)
	for i := 1; i <= depth; i++ {
		fmt.Fprintf(&b, `{{ define "t%d" }}{{ template "t%d" }}{{ template "t%d" }}{{ end }}`, i, i-1, i-1)
	}
	fmt.Fprintf(&b, `{{ template "t%d" }}`, depth)
	return b.String()
}

// Whatever a chart takes, it takes no more than it is given.
func TestLargeBombs(t *testing.T) {
	schema := `{"$defs": {"s0": {"type": "object"}`
	for i := 1; i <= 40; i++ {
		schema += fmt.Sprintf(`, "s%d": {"allOf": [{"$ref": "#/$defs/s%d"}, {"$ref": "#/$defs/s%d"}]}`, i, i-1, i-1)
	}
	schema += `}, "$ref": "#/$defs/s40"}`
	tests := []struct {
		name, template string
		files          map[string]string
		timeout        time.Duration
	}{
		{"endless", doubling(60), nil, time.Second},
		{"keys", `{{ range until 1000000 }}{{ genPrivateKey "rsa" }}{{ end }}`, nil, time.Second},
		{"schema", "", map[string]string{"values.schema.json": schema}, time.Second},
		{"memory at once", configMap + `data: {a: {{ repeat 2000000000 "x" }} }`, nil, time.Minute},
		{"memory by and by", `{{ $x := "xxxxxxxxxxxxxxxx" }}{{ range until 30 }}{{ $x = printf "%s%s" $x $x }}{{ end }}`, nil, time.Minute},
		{"list", `{{ range until 2000000000 }}{{ end }}`, nil, time.Minute},
		{"depth", `{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`, nil, time.Minute},
		{"manifests", configMap + `data: {a: {{ repeat 17000000 "x" }} }`, nil, time.Minute},
		{"values", "", map[string]string{"values.yaml": "a: [" + strings.Repeat("[],", 1_000_000/3) + "[]]"}, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			opts := confined(t)
			opts.Confinement.Timeout = tt.timeout
			_, err := sample(t, tt.template, tt.files).Render(t.Context(), nil, opts)
			var limit *LimitError
			if tt.name == "depth" || tt.name == "values" {
				// Go's own templates bound the depth, and so many values may just fit.
				if err != nil && !errors.As(err, &limit) && !strings.Contains(err.Error(), "exceeded maximum template depth") {
					t.Errorf("Render() = %v, want an end", err)
				}
				return
			}
			if !errors.As(err, &limit) {
				t.Errorf("Render() = %v, want a LimitError", err)
			}
		})
	}
}

// Who has had enough is let go at once, and the process is gone.
func TestRenderEndsWithItsContext(t *testing.T) {
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(200*time.Millisecond, func() { cancel(enough) })
	begin := time.Now()
	_, err := sample(t, doubling(60), nil).Render(ctx, nil, confined(t))
	if !errors.Is(err, enough) {
		t.Errorf("Render() = %v, want the context's cause", err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("Render() ended after %s", took)
	}
}

// A process whose asker is gone does not go on by itself.
func TestServeEndsWithItsAsker(t *testing.T) {
	opts := confined(t)
	cmd := exec.CommandContext(t.Context(), opts.Confinement.Command[0], opts.Confinement.Command[1:]...)
	asker, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	endless := request{Archive: sample(t, doubling(60), nil).Archive(), Release: "r", Namespace: "ns", KubeVersion: DefaultKubeVersion}
	if err := gob.NewEncoder(asker).Encode(order{Request: endless.sealed(), Memory: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	asker.Close()
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 1 {
		t.Errorf("the process ended with exit code %d, want 1", got)
	}
}

func TestRenderWithoutItsProgram(t *testing.T) {
	opts := confined(t)
	opts.Confinement.Command = []string{filepath.Join(t.TempDir(), "none")}
	if _, err := sample(t, configMap, nil).Render(t.Context(), nil, opts); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Render() without a program = %v, want os.ErrNotExist", err)
	}
	if err := Serve(t.Context(), strings.NewReader(""), io.Discard, func(int) {}); err == nil {
		t.Error("Serve() of nothing succeeded")
	}
}

// Nothing is fetched and no file is read for a schema; who relies on one is told.
func TestSchemaReachesNothing(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = io.WriteString(w, `{"type": "object"}`)
	}))
	defer server.Close()
	secret := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(secret, []byte(`{"required": ["password"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, schema, refersTo string }{
		{"http", `{"$ref": "` + server.URL + `/schema.json"}`, server.URL + "/schema.json"},
		{"part of it", `{"properties": {"a": {"$ref": "` + server.URL + `/s.json#/definitions/a"}}}`, server.URL + "/s.json"},
		{"dialect", `{"$schema": "` + server.URL + `/dialect"}`, server.URL + "/dialect"},
		{"file", `{"$ref": "file://` + secret + `"}`, "file://" + secret},
		{"file beside", `{"$ref": "other.json"}`, "chart:///other.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			chart := sample(t, configMap, map[string]string{"values.schema.json": tt.schema})
			rendering, err := chart.Render(t.Context(), nil, RenderOptions{Release: "r", Namespace: "ns"})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(rendering.Unchecked, " "); got != tt.refersTo {
				t.Errorf("Unchecked = %q, want %q", got, tt.refersTo)
			}
		})
	}
	if got := requests.Load(); got != 0 {
		t.Errorf("%d requests were sent, want none", got)
	}
}

// Schemas that stand by themselves are still held against the values, subcharts' too.
func TestSchemaIsChecked(t *testing.T) {
	schema := `{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"port": {"$ref": "#/definitions/port"}}, "definitions": {"port": {"type": "integer"}}}`
	chart := sample(t, configMap, map[string]string{
		"values.schema.json": schema, "Chart.yaml": charttest.YAML + "dependencies: [{name: sub, version: 1.0.0}]\n",
		"charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n", "charts/sub/values.schema.json": schema,
	})
	tests := []struct {
		values map[string]any
		want   string
	}{
		{map[string]any{"port": int64(80), "sub": map[string]any{"port": int64(80)}}, ""},
		{map[string]any{"port": "80"}, "the values do not fit the schema of chart sample"},
		{map[string]any{"sub": map[string]any{"port": "80"}}, "the values do not fit the schema of chart sub"},
	}
	for _, tt := range tests {
		_, err := chart.Render(t.Context(), tt.values, RenderOptions{Release: "r", Namespace: "ns"})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("Render(%v) = %v, want %q", tt.values, err, tt.want)
		}
	}
}
