package helm

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

func record(version int, status helmrelease.Status) *helmrelease.Release {
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
		err := revision(record(3, tt.status)).Busy()
		var explained *BusyError
		errors.As(err, &explained)
		if got := errors.Is(err, ErrBusy); got != tt.want {
			t.Errorf("Busy(%s) = %v, want busy %v", tt.status, err, tt.want)
		}
		if tt.want && (!strings.Contains(err.Error(), "(1m30s ago)") || explained.Record() != "sh.helm.release.v1.postgres-operator.v3") {
			t.Errorf("Busy(%s) = %v, record %q, want since when and which record", tt.status, err, explained.Record())
		}
	}
	if err := revision(nil).Busy(); err != nil {
		t.Errorf("Busy(nil) = %v, want nil", err)
	}
}

func TestState(t *testing.T) {
	tests := []struct {
		name    string
		history []*helmrelease.Release
		want    string
	}{
		{"nothing", nil, "there is no helm release postgres-operator now"},
		{"well", []*helmrelease.Release{record(1, helmrelease.StatusDeployed)}, "at revision 1 in state deployed"},
		{"failed upgrade", []*helmrelease.Release{record(1, helmrelease.StatusDeployed), record(2, helmrelease.StatusFailed)},
			"at revision 2 in state failed; revision 1 was the last that worked"},
		{"failed install", []*helmrelease.Release{record(1, helmrelease.StatusFailed)}, "at revision 1 in state failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := storage.Init(driver.NewMemory())
			for _, each := range tt.history {
				if err := store.Create(each); err != nil {
					t.Fatal(err)
				}
			}
			r := &Releases{config: &action.Configuration{Releases: store}}
			if got := r.State("postgres-operator").String(); !strings.HasSuffix(got, tt.want) {
				t.Errorf("State() = %q, want %q", got, tt.want)
			}
		})
	}
}

// Records of any revision that lack the mark get it, and say so in the store; what has it, and
// what does not last, is left as it is.
func TestProtectRecord(t *testing.T) {
	const crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: dbs.lab.example.com}\n"
	const other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
	store := storage.Init(driver.NewMemory())
	r := &Releases{config: &action.Configuration{Releases: store}}
	for _, tt := range []struct {
		version  int
		manifest string
		lasting  int
		same     bool
	}{
		{1, crd + "---\n" + other, 1, false},
		{2, strings.Replace(crd, "{name", "{annotations: {helm.sh/resource-policy: keep}, name", 1), 1, true},
		{3, other, 0, true},
	} {
		written := record(tt.version, helmrelease.StatusSuperseded)
		written.Manifest = tt.manifest
		if err := store.Create(written); err != nil {
			t.Fatal(err)
		}
		lasting, err := r.protectRecord(written, nil)
		if err != nil || len(lasting) != tt.lasting {
			t.Errorf("protectRecord(%d) = %d, %v, want %d", tt.version, len(lasting), err, tt.lasting)
		}
		stored, err := store.Get("postgres-operator", tt.version)
		if err != nil {
			t.Fatal(err)
		}
		if kept := strings.Contains(stored.Manifest, "helm.sh/resource-policy: keep"); kept != (tt.lasting > 0) || (stored.Manifest == tt.manifest) != tt.same {
			t.Errorf("protectRecord(%d) stored\n%s\nwant it kept: %v, as it was: %v", tt.version, stored.Manifest, tt.lasting > 0, tt.same)
		}
	}
}
