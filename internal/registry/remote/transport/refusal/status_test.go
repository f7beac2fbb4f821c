package refusal

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

func TestRetryAfterIsNeverTooLongToRead(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]time.Duration{
		"9999":                          9999 * time.Second,
		"31536000":                      longestRetryAfter,
		"31536001":                      longestRetryAfter,
		"2147483648":                    longestRetryAfter,
		"99999999999999":                longestRetryAfter,
		"99999999999999999999999999999": longestRetryAfter,
		"Fri, 31 Dec 9999 23:59:59 GMT": longestRetryAfter,
	}
	for value, want := range tests {
		if got := parseRetryAfter(value, now); got != want {
			t.Errorf("parseRetryAfter(%q) = %s, want %s", value, got, want)
		}
	}
	if got := parseRetryAfter("-99999999999999999999999", now); got != 0 {
		t.Errorf("parseRetryAfter of a negative number = %s, want that it is not heeded", got)
	}
}

// That there is no room is said with many statuses, and told from other refusals by the words.
func TestNoRoom(t *testing.T) {
	tests := []struct {
		code    int
		message string
		want    bool
	}{
		{http.StatusForbidden, "DENIED quota exceeded for project zoo", true},
		{http.StatusPreconditionFailed, "adding 1 MiB of storage resource will exceed the configured upper limit", true},
		{http.StatusPreconditionFailed, "PROJECTPOLICYVIOLATION current image is vulnerable", false},
		{http.StatusForbidden, "TOOMANYREQUESTS the rate limit quota is used up", false},
		{http.StatusInsufficientStorage, "", true},
		{http.StatusNotFound, "quota", false},
	}
	for _, tt := range tests {
		err := &StatusError{Code: tt.code, message: tt.message}
		if got := errors.Is(err, registry.ErrQuota); got != tt.want {
			t.Errorf("%d %q is ErrQuota: %t, want %t", tt.code, tt.message, got, tt.want)
		}
	}
}

// What a registry says of what was sent it says again; what it does not know for now it may know later.
func TestPassing(t *testing.T) {
	tests := []struct {
		status int
		code   string
		want   bool
	}{
		{http.StatusInternalServerError, "", true},
		{http.StatusInternalServerError, "UNKNOWN", true},
		{http.StatusInternalServerError, "MANIFEST_BLOB_UNKNOWN", false},
		{http.StatusInternalServerError, "MANIFEST_INVALID", false},
		{http.StatusInternalServerError, "UNSUPPORTED", false},
		{http.StatusInternalServerError, "NAME_UNKNOWN", true},
		{http.StatusInternalServerError, "UNAUTHORIZED", true},
		{http.StatusInternalServerError, "DENIED", true},
		{http.StatusServiceUnavailable, "UNSUPPORTED", true},
		{http.StatusTooManyRequests, "", true},
		{521, "", true},
		{http.StatusNotFound, "NAME_UNKNOWN", false},
	}
	for _, tt := range tests {
		err := &StatusError{Code: tt.status, codes: []string{tt.code}}
		if got := err.Passing(); got != tt.want {
			t.Errorf("%d %s: Passing() = %t, want %t", tt.status, tt.code, got, tt.want)
		}
	}
}
