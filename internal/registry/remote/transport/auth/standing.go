package auth

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
)

// Standing is how a registry wants its clients to say who they are.
type Standing struct {
	// Scheme is "basic" or "bearer"; empty where the registry has not asked.
	Scheme string
	// Realm and Service are where tokens come from, and for whom.
	Realm, Service string
	// Anonymous says that there were no credentials to present.
	Anonymous bool
	// Life is how long the newest token lives, as the token server says; 0 where it does not say,
	// or none was fetched.
	Life time.Duration
	// Token says that one was fetched.
	Token bool
}

// Standing is how the registry has asked so far.
func (a *Authorizer) Standing() Standing {
	a.mu.Lock()
	defer a.mu.Unlock()
	var s Standing
	if a.latest != nil {
		s.Scheme, s.Realm, s.Service = a.latest.scheme, a.latest.params["realm"], a.latest.params["service"]
	}
	s.Anonymous = true
	for _, login := range a.logins {
		s.Anonymous = s.Anonymous && login == authn.AuthConfig{}
	}
	var newest time.Time
	for _, t := range a.tokens {
		if !t.asked.Before(newest) {
			newest, s.Life, s.Token = t.asked, t.life, true
		}
	}
	return s
}

// Granted is what the newest token for a repository allows there: "pull", "push". Known is false
// where there is none, and where tokens do not say what they are for.
func (a *Authorizer) Granted(repository string) (actions []string, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var newest time.Time
	for _, t := range a.tokens {
		if t.asked.Before(newest) || !strings.Contains(t.key.scopes, "repository:"+repository+":") {
			continue
		}
		if granted, says := grantedBy(t.value, repository); says {
			newest, actions, known = t.asked, granted, true
		}
	}
	return actions, known
}

// grantedBy reads a token in the form of the distribution project: a JSON web token that lists what
// it is for. Nobody checks its signature here, for it comes from the token server.
func grantedBy(token, repository string) (actions []string, known bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, false
	}
	var claims struct {
		Access *[]struct {
			Type    string   `json:"type"`
			Name    string   `json:"name"`
			Actions []string `json:"actions"`
		} `json:"access"`
	}
	if jsonlimit.Unmarshal(text, &claims) != nil || claims.Access == nil {
		return nil, false
	}
	for _, access := range *claims.Access {
		if access.Type == "repository" && access.Name == repository {
			actions = append(actions, access.Actions...)
		}
	}
	return actions, true
}
