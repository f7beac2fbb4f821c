// Package auth decides what a request says about who sends it. It finds the credentials that
// belong to a repository, learns from what a registry answers how it wants to see them, and
// gets tokens: one that covers every repository of a run, and narrower ones only where the
// registry turns out not to grant that.
//
// It sends nothing itself. Authorizer.Begin accompanies one request:
//
//	attempt := authorizer.Begin(need)
//	err := attempt.Authorize(ctx, request)
//	again, err := attempt.Refused(ctx, response.StatusCode, response.Header)
package auth

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pgrelocate/pgrelocate/internal/secrets"
)

// Options say for whom an Authorizer works. Registry, Keychain and Ask are needed.
type Options struct {
	Registry name.Registry
	// Keychain finds the credentials of a repository, or of the registry as a whole.
	Keychain authn.Keychain
	// Push asks for tokens that may write as well, so that one token serves a whole run.
	Push bool
	// Ask sends a request to a token server, again where that may help, and returns what it
	// answered; its refusal is a TokenError.
	Ask func(ctx context.Context, build func() (*http.Request, error)) ([]byte, error)
	// PlainHTTP tells whether credentials may travel to a host without TLS; nil is never.
	PlainHTTP func(host string) bool
	// Learned is told of every secret before it is sent; it may be nil.
	Learned func(secrets ...string)
}

// Authorizer authorizes the requests to one registry. It is safe for concurrent use.
type Authorizer struct {
	opts Options

	mu         sync.Mutex
	run        map[string]bool
	latest     *challenge           // nil until the registry has asked
	challenges map[string]challenge // by repository, as it was last asked for it
	logins     map[string]authn.AuthConfig
	standings  map[space]*standing
	tokens     map[tokenKey]*token
	narrow     map[tokenKey]bool // scopes that the run's token does not cover
	down       error             // what the last attempt to get a token ended with, if no token server answered
	downAt     time.Time
	fetching   chan struct{} // one token at a time
}

// space is where credentials are presented: to one realm, and as whom.
type space struct {
	scheme, realm, service string
	login                  authn.AuthConfig
}

// tokenKey is what a token is for.
type tokenKey struct {
	space
	scopes string
}

// standing is how a login fares in its space.
type standing struct {
	refused error // the credentials themselves were refused: final for this run
	served  bool  // they have been accepted before: a refusal is not about them
	single  bool  // no token is granted for all repositories of the run
	// trying is open while one request finds out whether a password serves; nil where none does.
	trying chan struct{}
}

// tried ends the waiting for the request that is the first to send a password.
func (s *standing) tried() {
	if s.trying != nil {
		close(s.trying)
		s.trying = nil
	}
}

// New returns an Authorizer that knows nothing of the registry yet.
func New(opts Options) *Authorizer {
	if opts.PlainHTTP == nil {
		opts.PlainHTTP = func(string) bool { return false }
	}
	if opts.Learned == nil {
		opts.Learned = func(...string) {}
	}
	return &Authorizer{
		opts: opts, run: map[string]bool{},
		challenges: map[string]challenge{}, logins: map[string]authn.AuthConfig{}, standings: map[space]*standing{},
		tokens: map[tokenKey]*token{}, narrow: map[tokenKey]bool{},
		fetching: make(chan struct{}, 1),
	}
}

// Prepare announces repositories that the run will use. It may be called again with more.
func (a *Authorizer) Prepare(repositories []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, repository := range repositories {
		a.run[repository] = true
	}
}

// challengeFor is how the registry asks for a repository's credentials: as it last did, or, to
// guess, as it last did for any. The caller holds the lock.
func (a *Authorizer) challengeFor(repository string) (asked *challenge, guess bool) {
	if own, ok := a.challenges[repository]; ok {
		return &own, false
	}
	return a.latest, a.latest != nil
}

// learn keeps a challenge.
func (a *Authorizer) learn(repository string, found challenge) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.challenges[repository], a.latest = found, &found
}

// login asks the keychain for a repository's credentials, once. Identity and password are
// trimmed: a stray newline at the end of a pasted token makes registries answer that its
// signature is wrong.
func (a *Authorizer) login(ctx context.Context, repository string) (authn.AuthConfig, error) {
	a.mu.Lock()
	known, ok := a.logins[repository]
	a.mu.Unlock()
	if ok {
		return known, nil
	}
	var resource authn.Resource = a.opts.Registry
	if repository != "" {
		resource = a.opts.Registry.Repo(repository)
	}
	found, err := authn.Resolve(ctx, a.opts.Keychain, resource)
	if err != nil {
		return known, fmt.Errorf("reading credentials: %w", err)
	}
	config, err := authn.Authorization(ctx, found)
	if err != nil {
		return known, fmt.Errorf("reading credentials: %w", err)
	}
	known = *config
	for _, field := range []*string{&known.Username, &known.Password, &known.IdentityToken, &known.RegistryToken} {
		*field = strings.TrimSpace(*field)
	}
	a.opts.Learned(secrets.Of(known)...)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logins[repository] = known
	return known, nil
}

func hasPassword(login authn.AuthConfig) bool { return login.Username != "" || login.Password != "" }

// spaceOf is where a login is presented where the registry asks so.
func spaceOf(asked challenge, login authn.AuthConfig) space {
	if asked.scheme == "basic" {
		return space{scheme: asked.scheme, login: login}
	}
	return space{scheme: asked.scheme, realm: asked.params["realm"], service: asked.params["service"], login: login}
}

// standing is how a login fares in a space. The caller holds the lock.
func (a *Authorizer) standing(in space) *standing {
	if a.standings[in] == nil {
		a.standings[in] = &standing{}
	}
	return a.standings[in]
}

// realm checks the address of the token server: credentials never travel in the clear
// unless the user asked for plain HTTP or the server is this machine.
func (a *Authorizer) realm(raw string) (*url.URL, error) {
	realm, err := url.Parse(raw)
	switch {
	case err != nil || realm.Host == "":
		return nil, fmt.Errorf("the registry names an unusable token server %.200q", raw)
	case realm.Scheme == "https", realm.Scheme == "http" && a.opts.PlainHTTP(realm.Host):
		return realm, nil
	}
	return nil, fmt.Errorf("the registry names a token server without TLS, %.20s://%.200s", realm.Scheme, realm.Host)
}

// together are the run's repositories that one token may serve: those for which the registry
// asks alike, as far as is known, and that have the same login.
func (a *Authorizer) together(ctx context.Context, in space) ([]string, error) {
	a.mu.Lock()
	run := slices.Sorted(maps.Keys(a.run))
	a.mu.Unlock()
	var alike []string
	for _, repository := range run {
		login, err := a.login(ctx, repository)
		if err != nil {
			return nil, err
		}
		a.mu.Lock()
		asked, _ := a.challengeFor(repository)
		a.mu.Unlock()
		if asked != nil && spaceOf(*asked, login) == in {
			alike = append(alike, repository)
		}
	}
	return alike, nil
}
