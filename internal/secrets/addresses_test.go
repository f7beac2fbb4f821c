package secrets

import (
	"strings"
	"testing"
)

// Logins are found in whatever was meant for an address, and nothing else is taken for one.
func TestInAddresses(t *testing.T) {
	for _, tt := range []struct {
		text, secret string // none is shown as it is
	}{
		{"https://bob:hunter22@r.example.com/x", "hunter22"},
		{"bob:hunter22@127.0.0.1:5000/x", "hunter22"},
		{"oci://bob:hun@ter22@r.example.com/x", "ter22"},
		{"--source=bob:hunter22@r.example.com", "hunter22"},
		{"https://ghp_0123456789abcdef@r.example.com/x", "ghp_0123"},
		{"https://bob@r.example.com/x", ""},
		{"postgres-operator:v4.3.1@sha256:0123", ""},
		{"r.example.com:5000/x@sha512:0123", ""},
		{"https://git.example.com:8443/o/w.yml@refs/heads/main", ""},
		{"ci@example.com", ""},
	} {
		var set Set
		set.Add(InAddresses(tt.text)...)
		for _, got := range []string{set.Hide(tt.text), set.HideAlone(`not "` + tt.text + `"`)} {
			if tt.secret == "" && !strings.Contains(got, tt.text) || tt.secret != "" && strings.Contains(got, tt.secret) {
				t.Errorf("%q is shown as %q", tt.text, got)
			}
		}
	}
}
