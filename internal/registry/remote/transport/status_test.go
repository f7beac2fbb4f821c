package transport

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// A refusal that is read to its end keeps its details and its connection.
func TestRefusalsKeepTheirConnection(t *testing.T) {
	connections := map[string]bool{}
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"gone"}]}`+strings.Repeat(" ", 2*mostDetails))
	}), Options{Jobs: 1})
	for range 3 {
		if _, err := client.Tags(t.Context(), "a"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("Tags() = %v, want ErrNotFound", err)
		}
	}
	if len(connections) != 1 {
		t.Errorf("%d connections for three refusals, want one", len(connections))
	}
}

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
		if got, ok := parseRetryAfter(value, now); got != want || !ok {
			t.Errorf("parseRetryAfter(%q) = %s, %t, want %s, true", value, got, ok, want)
		}
	}
	if got, ok := parseRetryAfter("-99999999999999999999999", now); ok {
		t.Errorf("parseRetryAfter of a negative number = %s, true, want false", got)
	}
}

// A registry that asks for more time than anybody has is not asked again.
func TestAHugeRetryAfterIsObeyed(t *testing.T) {
	asked := 0
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Retry-After", "99999999999999")
		w.WriteHeader(http.StatusServiceUnavailable)
	}), Options{})
	_, err := client.Tags(t.Context(), "a")
	if err == nil || !strings.Contains(err.Error(), "gave up: the next try would be in 8760h0m0s") || asked != 1 {
		t.Errorf("Tags() = %v after %d requests, want one and that the registry asks for too long", err, asked)
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
