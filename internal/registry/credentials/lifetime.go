package credentials

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// Lifetime is what is known of how long a password works.
type Lifetime struct {
	// Of is what kind of password it is, "a password of Amazon ECR".
	Of string
	// Until is when it stops working; About says that this is counted from now, for the password
	// itself does not tell.
	Until time.Time
	About bool
	// Instead is what gives a cluster's nodes passwords that are renewed, in words; empty where
	// nothing is known.
	Instead string
}

// The users whose passwords are tokens that live for hours.
const (
	userECR    = "AWS"
	userGoogle = "oauth2accesstoken"
	userACR    = "00000000-0000-0000-0000-000000000000"
)

// longLived is how far away an end is that nobody has to be told of.
const longLived = 90 * 24 * time.Hour

// LifetimeOf recognises logins whose password stops working before long; false are all others.
// Nobody is asked: it goes by the registry's name, the user's, and what the password says of
// itself.
func LifetimeOf(host string, login Login, now time.Time) (Lifetime, bool) {
	found, known := kindOf(host, login)
	until, told := expiry(login.Password)
	switch {
	case told:
		found.Until = until
	case known:
		found.About = true
		found.Until = now.Add(found.lasts)
	default:
		return Lifetime{}, false
	}
	if found.Until.Sub(now) > longLived {
		return Lifetime{}, false
	}
	return found.Lifetime, true
}

type kind struct {
	Lifetime
	lasts time.Duration
}

// kindOf goes by names.
func kindOf(host string, login Login) (kind, bool) {
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	switch {
	case login.Username == userECR:
		return kind{Lifetime{Of: "a password of Amazon ECR", Instead: "the kubelet's credential provider ecr-credential-provider, with a role for the nodes"}, 12 * time.Hour}, true
	case login.Username == userGoogle:
		return kind{Lifetime{Of: "an access token of Google", Instead: "the kubelet's credential provider auth-provider-gcp, which GKE has, with a service account for the nodes"}, time.Hour}, true
	case login.Username == userACR, strings.HasSuffix(host, ".azurecr.io") && strings.Count(login.Password, ".") == 2:
		return kind{Lifetime{Of: "a token of Azure's registry", Instead: "the kubelet's credential provider acr-credential-provider, which AKS has, with an identity for the nodes"}, 3 * time.Hour}, true
	}
	return kind{Lifetime: Lifetime{Of: "a token"}}, false
}

// expiry is when a password says that it ends: a JWT has "exp", and what ECR gives out is JSON in
// base64 with "expiration". Nothing is checked, for it is only told.
func expiry(password string) (time.Time, bool) {
	body := password
	if parts := strings.Split(password, "."); len(parts) == 3 {
		body = parts[1]
	}
	plain, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(body), "="))
	if err != nil {
		return time.Time{}, false
	}
	var says struct {
		Expires    float64 `json:"exp"`
		Expiration float64 `json:"expiration"`
	}
	const farthest = 1 << 40 // seconds; more is no time
	if json.Unmarshal(plain, &says) != nil {
		return time.Time{}, false
	}
	at := max(says.Expires, says.Expiration)
	if at <= 0 || at > farthest {
		return time.Time{}, false
	}
	return time.Unix(int64(at), 0).UTC(), true
}
