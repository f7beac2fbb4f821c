package neighbours

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"sigs.k8s.io/yaml"
)

// argoCD is the release whose Application it is; only its schema is read, nothing of it is built.
const argoCD = "github.com/argoproj/argo-cd/v3@v3.5.7"

// products are those whose operator's chart the deployments are of.
var products = []string{"tanzu", "cloudnative-pg", "crunchy-pgo", "zalando"}

// export runs the program in an empty folder.
func export(t *testing.T, args ...string) []byte {
	t.Helper()
	program, err := filepath.Abs("../../bin/pgrelocate")
	if err != nil {
		t.Fatal(err)
	}
	if given := os.Getenv("TESTED_PGRELOCATE"); given != "" {
		program = given
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{"export"}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, said.Bytes())
	}
	return out
}

// Flux's own types take what is written, and know each field of it.
func TestFlux(t *testing.T) {
	for _, product := range products {
		documents := strings.Split(string(export(t, "flux", "--registry", "registry.example.com", "--offline", "--product", product)), "\n---\n")
		if len(documents) != 2 {
			t.Fatalf("%s: %d documents, want 2", product, len(documents))
		}
		var repository sourcev1.OCIRepository
		if err := yaml.UnmarshalStrict([]byte(documents[0]), &repository); err != nil {
			t.Errorf("%s: %v", product, err)
		}
		var release helmv2.HelmRelease
		if err := yaml.UnmarshalStrict([]byte(documents[1]), &release); err != nil {
			t.Errorf("%s: %v", product, err)
		}
		if repository.APIVersion != sourcev1.GroupVersion.String() || repository.Kind != sourcev1.OCIRepositoryKind || repository.Spec.LayerSelector.Operation != sourcev1.OCILayerCopy {
			t.Errorf("%s: Flux reads %+v", product, repository)
		}
		if release.APIVersion != helmv2.GroupVersion.String() || release.Spec.ChartRef.Name != repository.Name || release.Spec.ChartRef.Kind != repository.Kind {
			t.Errorf("%s: Flux reads %+v", product, release)
		}
	}
}

// The schema of Argo CD's Application takes what is written: each field is one that it has, and is as it
// wants it.
func TestArgoCD(t *testing.T) {
	schema := application(t)
	structural, err := structuralschema.NewStructural(schema.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	validator, _, err := validation.NewSchemaValidator(schema.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	for _, product := range products {
		var written map[string]any
		if err := yaml.Unmarshal(export(t, "argocd", "--registry", "registry.example.com", "--offline", "--product", product), &written); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range validation.ValidateCustomResource(nil, written, validator) {
			t.Errorf("%s: %v", product, wrong)
		}
		unknown := pruning.PruneWithOptions(written, structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
		if len(unknown) > 0 {
			t.Errorf("%s: Argo CD knows no %q", product, unknown)
		}
	}
	// The check finds what is wrong.
	broken := map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": map[string]any{}, "spec": map[string]any{"destination": 1, "chrt": "x"}}
	if len(validation.ValidateCustomResource(nil, broken, validator)) == 0 {
		t.Error("a destination that is a number is taken")
	}
	if unknown := pruning.PruneWithOptions(broken, structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}); len(unknown) != 1 {
		t.Errorf("unknown fields of %v: %v", broken, unknown)
	}
}

// application is the schema of the custom resource in Argo CD's own release.
func application(t *testing.T) *apiextensions.CustomResourceValidation {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", argoCD)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(module.Dir, "manifests", "crds", "application-crd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &definition); err != nil {
		t.Fatal(err)
	}
	var schema apiextensions.CustomResourceValidation
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(definition.Spec.Versions[0].Schema, &schema, nil); err != nil {
		t.Fatal(err)
	}
	return &schema
}
