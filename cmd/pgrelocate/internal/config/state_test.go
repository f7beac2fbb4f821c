package config

import (
	"path/filepath"
	"runtime"
	"testing"
)

func TestStateFolder(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("says where Linux keeps state")
	}
	for _, tt := range []struct{ set, xdg, home, want string }{
		{"", "", "/home/me", "/home/me/.local/state/pgrelocate"},
		{"", "/state", "/home/me", "/state/pgrelocate"},
		{"", "state", "/home/me", "/home/me/.local/state/pgrelocate"},
		{"here", "/state", "/home/me", "here"},
		{"", "", "", ""},
		{"", "", "me", ""},
	} {
		t.Setenv("XDG_STATE_HOME", tt.xdg)
		t.Setenv("HOME", tt.home)
		got, err := (&Config{StateDir: tt.set}).StateFolder()
		if got != filepath.FromSlash(tt.want) || (err != nil) != (tt.want == "") {
			t.Errorf("StateFolder() with %+v = %q, %v", tt, got, err)
		}
	}
}
