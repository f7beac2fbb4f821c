package verify

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// The gravest comes first, and a version that was edited but pulls is a problem too.
func TestProblems(t *testing.T) {
	check := Check{
		Status: "failed", HelmRelease: "r",
		Workloads:  []WorkloadCheck{{Object: "Deployment a/b", Err: errors.New("no")}, {Object: "Deployment a/c"}},
		Images:     []ImageCheck{{Image: "i", Err: errors.New("gone")}},
		Versions:   []VersionCheck{{Name: "v", Edited: true}, {Name: "w"}},
		Namespaces: []NamespaceCheck{{Namespace: "n", Err: errors.New("it lacks the pull secret")}},
	}
	var got []string
	for _, problem := range check.Problems() {
		got = append(got, problem.Text)
	}
	want := "helm release r is in state failed|Deployment a/b is not ready: no|i cannot be pulled: gone|v is not as the release made it|namespace n: it lacks the pull secret"
	if strings.Join(got, "|") != want {
		t.Errorf("Problems() = %q, want %q", strings.Join(got, "|"), want)
	}
	if check.OK() || !(&Check{Status: helm.Deployed}).OK() {
		t.Error("OK() does not tell a bad check from a good one")
	}
}
