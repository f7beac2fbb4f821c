package transport

import (
	"strings"
	"testing"
	"time"
)

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
