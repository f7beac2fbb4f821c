package transport

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// A registry, or a proxy before it, that asks for a way of logging in that nobody here knows is told from one that
// has refused a password: none was sent.
func TestWaysToLogInThatAreNotKnown(t *testing.T) {
	tests := []struct {
		challenge string
		want      []string
	}{
		{`Negotiate, NTLM`, []string{"negotiate", "ntlm"}},
		{`Digest realm="x", nonce="y", Digest realm="z"`, []string{"digest"}},
		{`Negotiate, Basic realm="x"`, nil},
		{`Bearer`, nil},
	}
	for _, tt := range tests {
		client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			challenge(w, tt.challenge)
		}), Options{Keychain: secret})
		_, err := client.Tags(t.Context(), "a")
		var access *registry.AccessError
		if !errors.As(err, &access) || !errors.Is(err, registry.ErrUnauthorized) {
			t.Errorf("Tags() = %v where %q is asked for, want an AccessError", err, tt.challenge)
			continue
		}
		if diff := cmp.Diff(tt.want, access.Ways); diff != "" {
			t.Errorf("the ways that are not known, where %q is asked for (-want +got):\n%s", tt.challenge, diff)
		}
	}
}
