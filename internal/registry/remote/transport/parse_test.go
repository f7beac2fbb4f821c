package transport

import (
	"net/http"
	"strings"
	"testing"
	"time"

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
		found := parseChallenge(header)
		if found.scheme != strings.ToLower(found.scheme) {
			t.Errorf("parseChallenge(%q): scheme %q is not in lower case", header, found.scheme)
		}
	})
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		value string
		want  time.Duration
		ok    bool
	}{
		{"", 0, false},
		{"5", 5 * time.Second, true},
		{"0", 0, true},
		{"-1", 0, false},
		{"soon", 0, false},
		{"Fri, 02 Jan 2026 03:04:15 GMT", 10 * time.Second, true},
		{"Fri, 02 Jan 2026 03:04:00 GMT", 0, true},
	}
	for _, tt := range tests {
		if got, ok := parseRetryAfter(tt.value, now); got != tt.want || ok != tt.ok {
			t.Errorf("parseRetryAfter(%q) = %s, %v, want %s, %v", tt.value, got, ok, tt.want, tt.ok)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got := printable("a\x1b[31mb\nc"); got != "a [31mb c" {
		t.Errorf("printable = %q, want no control characters", got)
	}
	if got := printable(strings.Repeat("é", 400)); len(got) > 310 {
		t.Errorf("printable keeps %d bytes, want at most about 300", len(got))
	}
}
