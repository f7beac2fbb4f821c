package credentials

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

func TestExpiry(t *testing.T) {
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	token := func(claims string) string { return encode(`{"alg":"RS256"}`) + "." + encode(claims) + ".c2ln" }
	ecr := base64.StdEncoding.EncodeToString([]byte(`{"payload":"x","version":"2","type":"DATA_KEY","expiration":1800000000}`))
	tests := []struct {
		name  string
		login authn.AuthConfig
		want  int64 // 0 where nobody can tell
	}{
		{"nothing", authn.AuthConfig{}, 0},
		{"a password", authn.AuthConfig{Username: "bob", Password: "hunter2"}, 0},
		{"a password with dots", authn.AuthConfig{Password: "a.b.c"}, 0},
		{"a number is no token", authn.AuthConfig{Password: "MTIz"}, 0},
		{"a token as a password", authn.AuthConfig{Password: token(`{"exp":1700000000}`)}, 1700000000},
		{"a token that does not expire", authn.AuthConfig{Password: token(`{"sub":"robot"}`)}, 0},
		{"a time that is none", authn.AuthConfig{Password: token(`{"exp":1e300}`)}, 0},
		{"a time that is text", authn.AuthConfig{Password: token(`{"exp":"soon"}`)}, 0},
		{"a bearer token", authn.AuthConfig{RegistryToken: token(`{"exp":1700000001.5}`)}, 1700000001},
		{"the earlier of two", authn.AuthConfig{Password: token(`{"exp":1700000009}`), IdentityToken: token(`{"exp":1700000002}`)}, 1700000002},
		{"ECR", authn.AuthConfig{Username: "AWS", Password: ecr}, 1800000000},
		{"a claim that is not of tokens", authn.AuthConfig{Password: token(`{"expiration":1700000000}`)}, 0},
	}
	for _, tt := range tests {
		at, known := Expiry(tt.login)
		if known != (tt.want != 0) || known && !at.Equal(time.Unix(tt.want, 0)) {
			t.Errorf("%s: Expiry() = %v, %v, want %d", tt.name, at, known, tt.want)
		}
	}
}
