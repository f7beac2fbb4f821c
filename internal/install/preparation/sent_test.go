package preparation

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: %q}]}\n"

// What helm is about to send is held against what was checked: nothing else goes out.
func TestCheckSent(t *testing.T) {
	p := prepared(t, fmt.Sprintf(pod, "registry.example.com/pg/operator:1"))
	p.Product = &versions.Product{Name: "house"}
	for _, tt := range []struct{ image, want string }{
		{"registry.example.com/pg/operator:1", ""},
		{"registry.example.com/pg/operator:2", "it names 1 image that nobody looked for\n  registry.example.com/pg/operator:2 in Pod p spec.containers[0].image"},
		{"vendor.example.com/operator:1", "the rendered chart names images outside of registry.example.com/pg in 1 place"},
	} {
		rendering, err := chart.ParseManifest(fmt.Sprintf(pod, tt.image))
		if err != nil {
			t.Fatal(err)
		}
		err = p.CheckSent(rendering)
		if tt.want == "" {
			if err != nil {
				t.Errorf("CheckSent(%s) = %v, want nil", tt.image, err)
			}
			continue
		}
		var refused *RefusedManifestError
		if !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), "what the chart renders in this cluster is not what was checked, and was not sent: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("CheckSent(%s) = %v, want %q", tt.image, err, tt.want)
		}
	}
}
