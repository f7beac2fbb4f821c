package standin

import (
	"archive/tar"
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint/support"
	helmregistry "helm.sh/helm/v3/pkg/registry"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/versions"
)

func newTar(r io.Reader) *tar.Reader { return tar.NewReader(r) }

// helmPull pulls the chart as helm itself does, and returns the archive.
func helmPull(t *testing.T, opts Options) []byte {
	t.Helper()
	at := find(t, pushed(t, opts), versions.RoleChart).Source
	client, err := helmregistry.NewClient(helmregistry.ClientOptPlainHTTP(), helmregistry.ClientOptWriter(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := client.Pull(at.Name() + ":" + at.Tag)
	if err != nil {
		t.Fatalf("helm pull %s: %v", at, err)
	}
	return pulled.Chart.Data
}

func load(t *testing.T, archive []byte) *chart.Chart {
	t.Helper()
	c, err := loader.LoadArchive(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// object is a rendered object, as much of it as the tests look at.
type object struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Spec     struct {
		DBVersion     string
		InstanceImage string
		Template      struct {
			Spec struct {
				SecurityContext  map[string]any
				ImagePullSecrets []struct{ Name string }
				Containers       []struct {
					Image           string
					Env             []struct{ Name, Value string }
					Resources       map[string]any
					SecurityContext map[string]any
				}
			}
		}
	}
}

// render renders a chart's templates with helm's engine.
func render(t *testing.T, c *chart.Chart, values map[string]any) []object {
	t.Helper()
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "postgres-operator", Namespace: "postgres-system"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(c, all)
	if err != nil {
		t.Fatal(err)
	}
	var objects []object
	for _, file := range slices.Sorted(maps.Keys(files)) {
		for document := range strings.SplitSeq(files[file], "\n---\n") {
			var o object
			if err := yaml.Unmarshal([]byte(document), &o); err != nil {
				t.Fatalf("%s: %v\n%s", file, err, document)
			}
			if o.Kind != "" {
				objects = append(objects, o)
			}
		}
	}
	return objects
}

func kinds(objects []object) map[string]int {
	all := map[string]int{}
	for _, o := range objects {
		all[o.Kind]++
	}
	return all
}

func TestChart(t *testing.T) {
	c := load(t, helmPull(t, Options{}))
	if c.Name() != "vmware-sql-postgres-operator" || c.Metadata.Version != "v4.3.1" || c.AppVersion() != "latest" {
		t.Errorf("chart = %s %s, appVersion %s, want vmware-sql-postgres-operator v4.3.1, latest", c.Name(), c.Metadata.Version, c.AppVersion())
	}
	want := map[string]any{
		"operatorImage":                "tanzu-sql-postgres.packages.broadcom.com/postgres-operator:v4.3.1",
		"instanceRegistryRepo":         "tanzu-sql-postgres.packages.broadcom.com/postgres-instance",
		"ferretDBImageRepo":            "",
		"dockerRegistrySecretName":     "regsecret",
		"certManagerClusterIssuerName": "postgres-operator-ca-certificate-cluster-issuer",
		"certManagerNamespace":         "cert-manager",
		"resources":                    map[string]any{},
		"enableSecurityContext":        true,
	}
	if diff := cmp.Diff(want, c.Values); diff != "" {
		t.Errorf("values differ (-want +got):\n%s", diff)
	}
	if got := len(c.CRDObjects()); got != 2 {
		t.Errorf("crds/ holds %d CRDs, want 2", got)
	}
	wantKinds := map[string]int{
		"PostgresVersion": 20, "Deployment": 1, "ServiceAccount": 1, "ClusterRole": 1, "ClusterRoleBinding": 1,
		"ClusterIssuer": 2, "Certificate": 2,
	}
	if diff := cmp.Diff(wantKinds, kinds(render(t, c, nil))); diff != "" {
		t.Errorf("the rendered kinds differ (-want +got):\n%s", diff)
	}
}

func TestChartFollowsItsValues(t *testing.T) {
	c := load(t, helmPull(t, Options{}))
	objects := render(t, c, map[string]any{
		"operatorImage":            "registry.example.com/tanzu/postgres-operator:v4.3.1",
		"instanceRegistryRepo":     "registry.example.com/tanzu/postgres-instance",
		"ferretDBImageRepo":        "registry.example.com/tanzu/ferretdb",
		"dockerRegistrySecretName": "mine",
		"resources":                map[string]any{"limits": map[string]any{"cpu": "1"}},
		"enableSecurityContext":    false,
	})
	images := map[string]string{}
	for _, o := range objects {
		switch o.Kind {
		case "PostgresVersion":
			images[o.Metadata.Name+" "+o.Spec.DBVersion] = o.Spec.InstanceImage
		case "Deployment":
			checkDeployment(t, o)
		}
	}
	tests := []struct{ name, want string }{
		{"postgres-17.5 17.5", "registry.example.com/tanzu/postgres-instance:v17.5-v4.3.1"},
		{"postgres-13.20-lite 13.20", "registry.example.com/tanzu/postgres-instance:v13.20-lite-v4.3.1"},
	}
	for _, tt := range tests {
		if images[tt.name] != tt.want {
			t.Errorf("PostgresVersion %s has the image %q, want %s", tt.name, images[tt.name], tt.want)
		}
	}
}

func checkDeployment(t *testing.T, o object) {
	t.Helper()
	pod := o.Spec.Template.Spec
	container := pod.Containers[0]
	if o.Metadata.Name != "postgres-operator" || o.Metadata.Namespace != "postgres-system" ||
		container.Image != "registry.example.com/tanzu/postgres-operator:v4.3.1" ||
		pod.ImagePullSecrets[0].Name != "mine" || len(container.Resources) != 1 ||
		container.Env[0].Value != "registry.example.com/tanzu/ferretdb" ||
		pod.SecurityContext != nil || container.SecurityContext != nil {
		t.Errorf("the Deployment does not follow the values: %+v", o)
	}
}

func TestChartWithCRDsInTemplates(t *testing.T) {
	c := load(t, helmPull(t, Options{CRDsInTemplates: true}))
	if len(c.CRDObjects()) != 0 {
		t.Errorf("crds/ holds %d CRDs, want none", len(c.CRDObjects()))
	}
	if got := kinds(render(t, c, nil))["CustomResourceDefinition"]; got != 2 {
		t.Errorf("the templates render %d CRDs, want 2", got)
	}
}

// Before v4.3 one image served all versions, and one value named it.
func TestChartOfOneImage(t *testing.T) {
	c := load(t, helmPull(t, Options{Release: "v4.0.0"}))
	if c.Metadata.Version != "v4.0.0" || c.Values["postgresImage"] != "tanzu-sql-postgres.packages.broadcom.com/postgres-instance:v4.0.0" {
		t.Errorf("chart %s has the values %v, want v4.0.0 with its postgresImage", c.Metadata.Version, c.Values)
	}
	if _, ok := c.Values["instanceRegistryRepo"]; ok {
		t.Error("the values have instanceRegistryRepo, want postgresImage instead")
	}
	var names []string
	for _, o := range render(t, c, map[string]any{"postgresImage": "registry.example.com/x/postgres-instance:v4.0.0"}) {
		if o.Kind == "PostgresVersion" {
			names = append(names, o.Metadata.Name+" "+o.Spec.DBVersion+" "+o.Spec.InstanceImage)
		}
	}
	if len(names) != 6 || names[0] != "postgres-16 16.6 registry.example.com/x/postgres-instance:v4.0.0" {
		t.Errorf("PostgresVersions = %q, want six, all with the one image", names)
	}
}

func TestChartIsClean(t *testing.T) {
	for _, opts := range []Options{{}, {CRDsInTemplates: true}, {Release: "v4.0.0"}} {
		dir := t.TempDir()
		file := filepath.Join(dir, "chart.tgz")
		if err := os.WriteFile(file, helmPull(t, opts), 0o600); err != nil {
			t.Fatal(err)
		}
		result := action.NewLint().Run([]string{file}, nil)
		for _, message := range result.Messages {
			if message.Severity > support.InfoSev {
				t.Errorf("helm lint of %+v: %v", opts, message)
			}
		}
	}
}
