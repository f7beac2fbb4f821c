package install

import (
	"errors"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	helmtime "helm.sh/helm/v3/pkg/time"
)

func revision(version int, status helmrelease.Status) *helmrelease.Release {
	at := helmtime.Time{Time: time.Now().Add(-90 * time.Second)}
	return &helmrelease.Release{
		Name: "postgres-operator", Namespace: "pg", Version: version,
		Info: &helmrelease.Info{Status: status, LastDeployed: at, Deleted: at},
	}
}

func TestBusy(t *testing.T) {
	tests := []struct {
		status helmrelease.Status
		want   bool
	}{
		{helmrelease.StatusDeployed, false},
		{helmrelease.StatusFailed, false},
		{helmrelease.StatusSuperseded, false},
		{helmrelease.StatusUninstalled, false},
		{helmrelease.StatusPendingInstall, true},
		{helmrelease.StatusPendingUpgrade, true},
		{helmrelease.StatusPendingRollback, true},
		{helmrelease.StatusUninstalling, true},
	}
	for _, tt := range tests {
		err := busy(revision(3, tt.status))
		var explained *Error
		errors.As(err, &explained)
		if got := errors.Is(err, ErrBusy); got != tt.want {
			t.Errorf("busy(%s) = %v, want busy %v", tt.status, err, tt.want)
		}
		if tt.want && (!strings.Contains(err.Error(), "(1m30s ago)") || !strings.Contains(explained.Hint(), "sh.helm.release.v1.postgres-operator.v3")) {
			t.Errorf("busy(%s) = %v, hint %q, want since when and which record", tt.status, err, explained.Hint())
		}
	}
	if err := busy(nil); err != nil {
		t.Errorf("busy(nil) = %v, want nil", err)
	}
}

func TestStateOf(t *testing.T) {
	tests := []struct {
		name    string
		history []*helmrelease.Release
		want    string
	}{
		{"nothing", nil, "there is no helm release postgres-operator now"},
		{"well", []*helmrelease.Release{revision(1, helmrelease.StatusDeployed)}, "at revision 1 in state deployed"},
		{"failed upgrade", []*helmrelease.Release{revision(1, helmrelease.StatusDeployed), revision(2, helmrelease.StatusFailed)},
			"at revision 2 in state failed; revision 1 was the last that worked"},
		{"failed install", []*helmrelease.Release{revision(1, helmrelease.StatusFailed)}, "at revision 1 in state failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := storage.Init(driver.NewMemory())
			for _, each := range tt.history {
				if err := store.Create(each); err != nil {
					t.Fatal(err)
				}
			}
			h := &helm{config: &action.Configuration{Releases: store}}
			if got := h.stateOf("postgres-operator"); !strings.HasSuffix(got, tt.want) {
				t.Errorf("stateOf() = %q, want %q", got, tt.want)
			}
		})
	}
}

// The gravest comes first, and a version that was edited but pulls is a problem too.
func TestProblems(t *testing.T) {
	check := Check{
		Status: "failed", HelmRelease: "r",
		Workloads:  []WorkloadCheck{{Object: "Deployment a/b", Reason: "no"}, {Object: "Deployment a/c", Ready: true}},
		Images:     []ImageCheck{{Image: "i", Reason: "gone"}},
		Versions:   []VersionCheck{{Name: "v", ImageCheck: ImageCheck{Pulls: true}, Edited: true}, {Name: "w", ImageCheck: ImageCheck{Pulls: true}}},
		Namespaces: []NamespaceCheck{{Namespace: "n", Reason: "it lacks the pull secret"}},
	}
	var got []string
	for _, problem := range check.Problems() {
		got = append(got, problem.Text)
	}
	want := "helm release r is in state failed|Deployment a/b is not ready: no|i cannot be pulled: gone|v is not as the release made it|namespace n: it lacks the pull secret"
	if strings.Join(got, "|") != want {
		t.Errorf("Problems() = %q, want %q", strings.Join(got, "|"), want)
	}
	if check.OK() || !(&Check{Status: "deployed"}).OK() {
		t.Error("OK() does not tell a bad check from a good one")
	}
}
