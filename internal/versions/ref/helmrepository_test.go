package ref

import (
	"strings"
	"testing"
)

func TestParseHelmRepository(t *testing.T) {
	for _, good := range []string{"https://charts.example.com", "http://localhost:8080/a/b/"} {
		if _, err := ParseHelmRepository(good); err != nil {
			t.Errorf("ParseHelmRepository(%q) = %v", good, err)
		}
	}
	for _, bad := range []string{"", "charts.example.com", "oci://example.com/charts", "file:///tmp", "https://me:pass@example.com", "https://example.com?x=1", "https://%zz", "https://example.com:65536/x", "https://[::1]:0"} {
		if _, err := ParseHelmRepository(bad); err == nil || strings.Contains(err.Error(), "pass@") {
			t.Errorf("ParseHelmRepository(%q) = %v, want an error without the login", bad, err)
		}
	}
}
