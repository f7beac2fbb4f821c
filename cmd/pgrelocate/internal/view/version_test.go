package view

import (
	"strings"
	"testing"
)

// What nobody told the build is left out, and what is shorter than expected does not panic.
func TestVersionTable(t *testing.T) {
	commit := strings.Repeat("0123456789", 4)
	tests := []struct {
		version Version
		want    string
	}{
		{Version{Version: "v1", Go: "go1.26", Platform: "linux/amd64", Commit: commit, Date: "2026-11-26T10:00:00Z"}, "pgrelocate v1 (go1.26 linux/amd64, commit 012345678901 of 2026-11-26)\n"},
		{Version{Version: "v1", Go: "go1.26", Platform: "linux/amd64", Commit: commit}, "pgrelocate v1 (go1.26 linux/amd64, commit 012345678901)\n"},
		{Version{Version: "devel", Go: "go1.26", Platform: "linux/amd64", Commit: "abc", Date: "2026"}, "pgrelocate devel (go1.26 linux/amd64)\n"},
	}
	for _, tt := range tests {
		var out strings.Builder
		if err := tt.version.WriteTable(&out); err != nil || out.String() != tt.want {
			t.Errorf("WriteTable(%+v) = %q, %v, want %q", tt.version, out.String(), err, tt.want)
		}
	}
}

// The linker's word comes before what the Go tool recorded.
func TestNewVersion(t *testing.T) {
	got := NewVersion(Build{Version: "v1", Commit: "c", Date: "d"})
	if got.Version != "v1" || got.Commit != "c" || got.Date != "d" || got.Kind != "Version" {
		t.Errorf("NewVersion() = %+v", got)
	}
}
