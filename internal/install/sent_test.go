package install

import (
	"errors"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A manifest that was not sent is as good as an answer: nothing has been changed.
func TestRefusedManifestIsAnAnswer(t *testing.T) {
	if err := (&preparation.RefusedManifestError{Err: errors.New("it names what nobody looked for")}); !answered(err) {
		t.Errorf("answered(%v) = false, want true", err)
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
		{&preparation.NoChartError{Product: "house", Release: "1.0.0"}, "no chart is known for house 1.0.0", nil},
		{&preparation.AbsentError{Target: folder, Chart: "r.example.com/pg/c:1", Err: preparation.ErrNotMirrored}, "chart r.example.com/pg/c:1: " + preparation.ErrNotMirrored.Error(), preparation.ErrNotMirrored},
		{&preparation.AbsentError{Target: folder, Images: []string{"a: gone", "b: gone"}, Err: cause}, "2 images that the operator needs cannot be pulled\n  a: gone\n  b: gone", cause},
		{&UnmirroredError{Versions: []string{"a"}}, "1 version without an image in the registry: a: " + preparation.ErrNotMirrored.Error(), preparation.ErrNotMirrored},
		{&preparation.RefusedManifestError{Err: cause}, "what the chart renders in this cluster is not what was checked, and was not sent: the disk is full", cause},
		{&NoReleaseError{Owner: cluster.Owner{Namespace: "pg", Release: "house"}, Elsewhere: []string{"a", "b"}},
			"there is no helm release house in namespace pg, neither in Secrets nor in ConfigMaps; nothing was removed\n  there is one in namespace a, b", verify.ErrNotInstalled},
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
