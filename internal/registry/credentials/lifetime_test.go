package credentials

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestLifetimeOf(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	jwt := func(ends time.Duration) string {
		body := fmt.Sprintf(`{"sub": "x", "exp": %d}`, now.Add(ends).Unix())
		return "eyJhbGciOiJSUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(body)) + ".c2ln"
	}
	ofECR := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"payload":"?>?","version":"2","type":"DATA_KEY","expiration":%d}`, now.Add(11*time.Hour).Unix()))
	tests := []struct {
		name, host, user, password string
		want                       time.Duration // 0: long-lived
		about                      bool
		instead                    string
	}{
		{"ECR", "1.dkr.ecr.eu-central-1.amazonaws.com", "AWS", ofECR, 11 * time.Hour, false, "ecr-credential-provider"},
		{"ECR, a password that says nothing", "1.dkr.ecr.eu-central-1.amazonaws.com", "AWS", "opaque", 12 * time.Hour, true, "ecr-credential-provider"},
		{"Google", "europe-docker.pkg.dev", "oauth2accesstoken", "ya29.a0opaque", time.Hour, true, "auth-provider-gcp"},
		{"Google's key", "europe-docker.pkg.dev", "_json_key", `{"type": "service_account"}`, 0, false, ""},
		{"ACR", "a.azurecr.io", "00000000-0000-0000-0000-000000000000", jwt(2 * time.Hour), 2 * time.Hour, false, "acr-credential-provider"},
		{"ACR under another name", "registry.example.com", "00000000-0000-0000-0000-000000000000", "opaque", 3 * time.Hour, true, "acr-credential-provider"},
		{"a service principal", "a.azurecr.io", "3c", "long~secret", 0, false, ""},
		{"a JWT of anybody", "registry.example.com", "robot", jwt(time.Hour), time.Hour, false, ""},
		{"a JWT that has ended", "registry.example.com", "robot", jwt(-time.Hour), -time.Hour, false, ""},
		{"a JWT for years", "registry.example.com", "robot", jwt(365 * 24 * time.Hour), 0, false, ""},
		{"a password", "registry.example.com", "robot", "s3cret", 0, false, ""},
		{"a password with dots", "registry.example.com", "robot", "a.b.c", 0, false, ""},
		{"numbers that are no time", "registry.example.com", "robot", "a." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1e300}`)) + ".c", 0, false, ""},
		{"base64 of something else", "registry.example.com", "robot", base64.StdEncoding.EncodeToString([]byte(`[1]`)), 0, false, ""},
	}
	for _, tt := range tests {
		got, short := LifetimeOf(tt.host, Login{tt.user, tt.password}, now)
		if short != (tt.want != 0) {
			t.Errorf("%s: LifetimeOf() = %+v, %v, want short-lived %v", tt.name, got, short, tt.want != 0)
			continue
		}
		if short && (!got.Until.Equal(now.Add(tt.want)) || got.About != tt.about || !strings.Contains(got.Instead, tt.instead) || got.Of == "") {
			t.Errorf("%s: LifetimeOf() = %+v, want the end in %s, about %v, and %q instead", tt.name, got, tt.want, tt.about, tt.instead)
		}
	}
}
