package auth

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindChallenge(t *testing.T) {
	tests := []struct {
		headers []string
		scheme  string
		params  map[string]string
	}{
		{nil, "", nil},
		{[]string{`Basic realm="x"`}, "basic", map[string]string{"realm": "x"}},
		{[]string{`Basic realm="x"`, `Bearer realm="https://auth/token",service="reg",scope="repository:a:pull,push"`}, "bearer",
			map[string]string{"realm": "https://auth/token", "service": "reg", "scope": "repository:a:pull,push"}},
		{[]string{`bearer realm=https://auth/token, service=reg`}, "bearer", map[string]string{"realm": "https://auth/token", "service": "reg"}},
		{[]string{`Bearer realm="a\"b"`}, "bearer", map[string]string{"realm": `a"b`}},
		// Several in one field, RFC 9110 11.6.1.
		{[]string{`Basic realm="registry", Bearer realm="https://auth/token",service="r",scope="repository:a:pull"`}, "bearer",
			map[string]string{"realm": "https://auth/token", "service": "r", "scope": "repository:a:pull"}},
		{[]string{`Bearer realm="https://auth/token", service="r, s" , Basic realm="x", charset="UTF-8"`}, "bearer",
			map[string]string{"realm": "https://auth/token", "service": "r, s"}},
		{[]string{`Negotiate, Basic realm="x"`}, "basic", map[string]string{"realm": "x"}},
		{[]string{`Negotiate a87421000492aa874209af8bc028==, Basic realm="x"`}, "basic", map[string]string{"realm": "x"}},
		{[]string{`Newauth realm="apps", type=1, title="Login to "apps"", Basic realm="simple"`}, "basic", map[string]string{"realm": "simple"}},
		{[]string{`Basic realm = "x" , Bearer realm = https://auth/token`}, "bearer", map[string]string{"realm": "https://auth/token"}},
		{[]string{`Basic`}, "basic", map[string]string{}},
		{[]string{`Bearer`}, "", nil},
		{[]string{`Negotiate`}, "", nil},
		{[]string{`Bearer realm="unterminated`}, "bearer", map[string]string{"realm": "unterminated"}},
	}
	for _, tt := range tests {
		got, ok := findChallenge(http.Header{"Www-Authenticate": tt.headers})
		if ok != (tt.scheme != "") || got.scheme != tt.scheme {
			t.Errorf("findChallenge(%q) = %q, %v, want %q", tt.headers, got.scheme, ok, tt.scheme)
			continue
		}
		if diff := cmp.Diff(tt.params, got.params); ok && diff != "" {
			t.Errorf("findChallenge(%q): params (-want +got):\n%s", tt.headers, diff)
		}
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add(`Bearer realm="https://auth/token",service="reg",scope="repository:a:pull,push"`)
	f.Add(`Basic realm=x, a="\`)
	f.Fuzz(func(t *testing.T, header string) {
		for _, found := range parseChallenges(header) {
			if found.scheme != strings.ToLower(found.scheme) {
				t.Errorf("parseChallenges(%q): scheme %q is not in lower case", header, found.scheme)
			}
		}
	})
}
