package credentials

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Expiry is when a login seems to expire, by what it says of itself: a password or token that is a
// JSON Web Token has a time in it, and so have the passwords of Amazon's ECR. Nothing is checked,
// and of most logins nobody can tell.
func Expiry(login authn.AuthConfig) (at time.Time, known bool) {
	for _, secret := range []string{login.Password, login.IdentityToken, login.RegistryToken} {
		if next, ok := expiryOf(secret); ok && (!known || next.Before(at)) {
			at, known = next, true
		}
	}
	return at, known
}

func expiryOf(secret string) (time.Time, bool) {
	var claims struct {
		Exp        float64 `json:"exp"`        // RFC 7519
		Expiration float64 `json:"expiration"` // ECR
	}
	part := secret
	if parts := strings.Split(secret, "."); len(parts) == 3 {
		part = parts[1]
	} else if len(parts) != 1 {
		return time.Time{}, false
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil {
		body, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(part, "="))
	}
	if err != nil || json.Unmarshal(body, &claims) != nil {
		return time.Time{}, false
	}
	seconds := claims.Exp
	if part == secret {
		seconds = claims.Expiration
	}
	const latest = 1 << 34 // in the year 2514: what is later is no time
	if seconds < 1 || seconds > latest {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}
