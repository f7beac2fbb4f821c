package difference

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

func rendering(t *testing.T, manifest string) *chart.Rendering {
	t.Helper()
	r, err := chart.ParseManifest(manifest)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func crd(name, versions string) string {
	return "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: " + name + "}\nspec:\n  versions:\n" + versions
}

func version(name, more, spec string) string {
	return "  - {name: " + name + ", " + more + ", schema: {openAPIV3Schema: {type: object, required: [spec], properties: {spec: {type: object, " + spec + "}}}}}\n"
}

func TestDefinitions(t *testing.T) {
	served := "served: true, storage: true"
	before := crd("same", version("v1", served, "properties: {a: {type: string, description: old}}")) +
		crd("gone", version("v1", served, "")) +
		crd("other", version("v1", served, "required: [a], properties: {a: {type: string}, b: {type: integer}, list: {type: array, items: {type: object, properties: {x: {type: string}}}}}")+
			version("v1beta1", "served: true, storage: false", "")) +
		"---\napiVersion: v1\nkind: Service\nmetadata: {name: passed-over}\n"
	after := crd("same", version("v1", served, "properties: {a: {type: string, description: new}}")) +
		crd("fresh", version("v1", served, "")) +
		crd("other", version("v1", "served: true, storage: false", "properties: {a: {type: string}, c: {type: object, properties: {d: {type: string}}}, list: {type: array, items: {type: object, properties: {x: {type: integer}}}}}")+
			version("v2", served, ""))
	want := []Definition{
		{Name: "fresh", Change: Added},
		{Name: "gone", Change: Removed},
		{
			Name: "other", Change: Changed,
			Versions: []string{"v1 storage: false, was true", "v1beta1 removed", "v2 added"},
			Fields: []string{
				"v1 spec.a: string, was string, required", "v1 spec.b removed (integer)", "v1 spec.c added (object)",
				"v1 spec.list[*].x: integer, was string",
			},
		},
	}
	if diff := cmp.Diff(want, Definitions(rendering(t, before), rendering(t, after))); diff != "" {
		t.Errorf("Definitions() differ (-want +got):\n%s", diff)
	}
	if got := Definitions(rendering(t, before), rendering(t, before)); len(got) != 0 {
		t.Errorf("Definitions(same, same) = %v, want none", got)
	}
}

// What a chart writes where a schema belongs need be none.
func TestDefinitionsOfNonsense(t *testing.T) {
	before := rendering(t, crd("x", "  - {name: v1, schema: {openAPIV3Schema: {properties: [1], items: 3, required: 7}}}\n  - 5\n"))
	after := rendering(t, crd("x", "  - {name: v1, schema: 9}\n")+crd("fresh", "    {}\n"))
	got := Definitions(before, after)
	if len(got) != 1 || got[0].Name != "fresh" || got[0].Change != Added {
		t.Errorf("Definitions(nonsense) = %v, want fresh added", got)
	}
}
