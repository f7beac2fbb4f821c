package difference

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// definition is a CRD with these versions.
func definition(t *testing.T, versions string) *unstructured.Unstructured {
	t.Helper()
	return &rendering(t, crd("dbs", versions)).Objects[0].Unstructured
}

func TestLosses(t *testing.T) {
	const stored, served, unserved = "served: true, storage: true", "served: true, storage: false", "served: false, storage: false"
	const keeps = "x-kubernetes-preserve-unknown-fields: true"
	for _, tt := range []struct {
		name, before, after string
		want                []string
	}{
		{"the same", version("v1", stored, "properties: {a: {type: string}}"), version("v1", stored, "properties: {a: {type: string}}"), nil},
		{
			"more", version("v1", stored, "properties: {a: {type: string}}"),
			version("v1", served, "properties: {a: {type: integer}, b: {type: string}}") + version("v2", stored, ""), []string{"v1 is no longer what is stored"},
		},
		{"a version", version("v1", served, "") + version("v2", stored, ""), version("v1", stored, ""), []string{"v2 goes"}},
		{"a version that is served", version("v1", stored, "") + version("v2", served, ""), version("v1", stored, "") + version("v2", unserved, ""), []string{"v2 is served no longer"}},
		{
			"fields", version("v1", stored, "properties: {a: {type: object, properties: {x: {type: string}}}, l: {type: array, items: {type: object, properties: {x: {type: string}, z: {type: string}}}}}"),
			version("v1", stored, "properties: {l: {type: array, items: {type: object, properties: {x: {type: string}}}}}"), []string{"v1 spec.a goes", "v1 spec.l[*].z goes"},
		},
		{"fields that are let be", version("v1", stored, "properties: {a: {type: string}}"), version("v1", stored, keeps), nil},
		{"a map's keys", version("v1", stored, "properties: {a: {type: string}}"), version("v1", stored, "additionalProperties: {type: string}"), nil},
		{"fields of a map's values", version("v1", stored, "additionalProperties: {type: object, properties: {x: {type: string}}}"), version("v1", stored, "additionalProperties: {type: object, properties: {}}"), []string{"v1 spec.*.x goes"}},
		{"that fields are let be", version("v1", stored, keeps), version("v1", stored, "properties: {a: {type: string}}"), []string{"v1 spec.* goes"}},
		{
			"a converter", version("v1", stored, "") + "  conversion: {strategy: Webhook}\n",
			version("v1", stored, "") + "  conversion: {strategy: None}\n", []string{"the webhook that converts goes"},
		},
		{"nonsense", version("v1", stored, "properties: {a: 1}"), "  - {name: v1, served: true, storage: true, schema: 7}\n", []string{"v1 spec goes"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Losses(definition(t, tt.before), definition(t, tt.after))); diff != "" {
				t.Errorf("Losses() differ (-want +got):\n%s", diff)
			}
		})
	}
}
