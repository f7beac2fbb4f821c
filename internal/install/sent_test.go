package install

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
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
		err = p.checkSent(rendering)
		if tt.want == "" {
			if err != nil {
				t.Errorf("checkSent(%s) = %v, want nil", tt.image, err)
			}
			continue
		}
		var refused *RefusedManifestError
		if !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), "what the chart renders in this cluster is not what was checked, and was not sent: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("checkSent(%s) = %v, want %q", tt.image, err, tt.want)
		}
		if !answered(err) {
			t.Errorf("checkSent(%s) is taken for an answer that has not come", tt.image)
		}
	}
}

// Each error says its cause, with what it is about, and is what callers ask for.
func TestErrorWords(t *testing.T) {
	cause := errors.New("the disk is full")
	folder := ref.Folder{Host: "r.example.com", Path: "pg"}
	for _, tt := range []struct {
		err  error
		want string
		is   error
	}{
		{&NoChartError{Product: "house", Release: "1.0.0"}, "no chart is known for house 1.0.0", nil},
		{&AbsentError{Target: folder, Chart: "r.example.com/pg/c:1", Err: ErrNotMirrored}, "chart r.example.com/pg/c:1: " + ErrNotMirrored.Error(), ErrNotMirrored},
		{&AbsentError{Target: folder, Images: []string{"a: gone", "b: gone"}, Err: cause}, "2 images that the operator needs cannot be pulled\n  a: gone\n  b: gone", cause},
		{&UnmirroredError{Versions: []string{"a"}}, "1 version without an image in the registry: a: " + ErrNotMirrored.Error(), ErrNotMirrored},
		{&RefusedManifestError{Err: cause}, "what the chart renders in this cluster is not what was checked, and was not sent: the disk is full", cause},
		{&NoReleaseError{Owner: cluster.Owner{Namespace: "pg", Release: "house"}, Elsewhere: []string{"a", "b"}},
			"there is no helm release house in namespace pg; nothing was removed\n  there is one in namespace a, b", verify.ErrNotInstalled},
		{&InUseError{Instances: []cluster.Instance{{Kind: "Db", Name: "all"}, {Kind: "Db", Namespace: "n", Name: "one"}}}, "2 databases exist; nothing was removed\n  Db all\n  Db n/one", ErrInUse},
		{&Failure{Step: "operator", Err: cause, Done: []string{"a", "b"}, TakenBack: &helm.Changes{
			Gone: []string{"x"}, Made: []string{"Pod 1", "Pod 2", "Pod 3", "Pod 4", "Pod 5", "Pod 6", "Pod 7"}, Stayed: []string{"Secret s"}, Err: errors.New("no answer"),
		}}, "operator: the disk is full\n  done before: a, b\n  taken back: 1 object that this run had made\n" +
			"  made by this run, and still there: Pod 1, Pod 2, Pod 3, Pod 4, Pod 5 and 2 more\n" +
			"  there before this run, and still there: Secret s\n  what is left is not known for certain: no answer", cause},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%T says %q, want %q", tt.err, got, tt.want)
		}
		if tt.is != nil && !errors.Is(tt.err, tt.is) {
			t.Errorf("%T is not %v", tt.err, tt.is)
		}
	}
}
