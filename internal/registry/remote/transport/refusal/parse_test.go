package refusal

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		value string
		want  time.Duration
	}{
		{"", 0},
		{"5", 5 * time.Second},
		{"0", 0},
		{"-1", 0},
		{"soon", 0},
		{"Fri, 02 Jan 2026 03:04:15 GMT", 10 * time.Second},
		{"Fri, 02 Jan 2026 03:04:00 GMT", 0},
	}
	for _, tt := range tests {
		if got := parseRetryAfter(tt.value, now); got != tt.want {
			t.Errorf("parseRetryAfter(%q) = %s, want %s", tt.value, got, tt.want)
		}
	}
}

// A date is held against the clock that it was written by, and not against ours.
func TestRetryAfterByTheRegistrysClock(t *testing.T) {
	for _, clock := range []time.Time{time.Now().Add(-3 * time.Hour), time.Now().Add(3 * time.Hour)} {
		clock = clock.UTC()
		header := http.Header{"Date": {clock.Format(http.TimeFormat)}, "Retry-After": {clock.Add(7 * time.Second).Format(http.TimeFormat)}}
		if got := Of(http.StatusServiceUnavailable, header, nil, Printable).RetryAfter; got != 7*time.Second {
			t.Errorf("RetryAfter = %s where the registry's clock says %s, want 7s", got, clock)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got := Printable("a\x1b[31mb\nc"); got != "a [31mb c" {
		t.Errorf("Printable = %q, want no control characters", got)
	}
	if got := Printable(strings.Repeat("é", 400)); len(got) > 310 {
		t.Errorf("Printable keeps %d bytes, want at most about 300", len(got))
	}
}
