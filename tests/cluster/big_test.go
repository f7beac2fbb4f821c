package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install"
)

// bigDefinition is what Crunchy's PostgresCluster comes to, in bytes: more than an annotation
// holds, in which kubectl's own apply would keep it, and near what etcd takes.
const bigDefinition = 1_330_000

// big is the house's CRD at that size, with a property that tells its editions apart.
func (h *house) big(edition string) string {
	var text strings.Builder
	before, _, _ := strings.Cut(h.crd(), "  versions:")
	text.WriteString(before)
	fmt.Fprintf(&text, `  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            edition: {type: string, description: %q}
            spec:
              type: object
              properties:
                size: {type: integer}
`, edition)
	// Descriptions are what makes such CRDs large. What the API server has to do grows with the
	// properties, so these are few, and have much to say.
	const sentence = " What the %dth setting says to the %d others, of which each has a default and a range of its own."
	for i := 0; text.Len() < bigDefinition; i++ {
		fmt.Fprintf(&text, "                setting%d: {type: string, description: '", i)
		for range 20 {
			fmt.Fprintf(&text, sentence, i, i*7919%10007)
		}
		text.WriteString("'}\n")
	}
	return text.String()
}

// A CRD as large as the largest that operators bring is applied, and comes along with an upgrade.
func TestBigDefinition(t *testing.T) {
	for _, folder := range []string{"crds/", "templates/"} {
		t.Run(folder, func(t *testing.T) {
			h := newHouse(t)
			h.clean(t)
			for _, edition := range []string{"first", "second"} {
				outcome := h.install(t, h.chart(t, map[string]string{folder + "crd.yaml": h.big(edition)}))
				live := h.get(t, crds, "dbs."+h.group)
				if live == nil {
					t.Fatalf("the CRD is not there after the %s install", edition)
				}
				versions, _, _ := unstructured.NestedSlice(live.Object, "spec", "versions")
				got, _, _ := unstructured.NestedString(versions[0].(map[string]any), "schema", "openAPIV3Schema", "properties", "edition", "description")
				if got != edition {
					t.Errorf("revision %d has the CRD of the %q edition, want the %s", outcome.Revision, got, edition)
				}
				if text, err := live.MarshalJSON(); err != nil || len(text) < bigDefinition*9/10 {
					t.Errorf("the CRD has %d bytes, %v, want some %d", len(text), err, bigDefinition)
				}
				for name := range live.GetAnnotations() {
					if strings.HasPrefix(name, "kubectl.kubernetes.io/") {
						t.Errorf("the CRD carries %s, which it does not fit into", name)
					}
				}
			}
			h.waitServed(t)
			h.apply(t, h.db("precious"))
			if _, err := install.Uninstall(t.Context(), h.uninstallOptions(t)); err == nil {
				t.Error("Uninstall() with a database = no error, want a refusal")
			}
			h.wantDatabase(t, "an uninstall that was refused", "precious")
		})
	}
}
