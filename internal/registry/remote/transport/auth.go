package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Access is what a request needs of the registry: a repository, and whether it writes. The
// zero value is no repository's.
type Access struct {
	Repository string
	Push       bool
	// From is a further repository that is read, for a mount.
	From string
}

// scopes are the access's names in the token protocol.
func (a Access) scopes() []string {
	if a.Repository == "" {
		return nil
	}
	actions := "pull"
	if a.Push {
		actions = "pull,push"
	}
	list := []string{"repository:" + a.Repository + ":" + actions}
	if a.From != "" && a.From != a.Repository {
		list = append(list, "repository:"+a.From+":pull")
	}
	return list
}

// token is a bearer token and when it should be replaced.
type token struct {
	value   string
	renewAt time.Time
}

func (t *token) fresh(now time.Time) bool { return t != nil && now.Before(t.renewAt) }

// authorizer puts the Authorization header on requests. It asks for one token that
// covers every repository of the run, and for narrower ones only where the registry
// turns out not to grant that.
type authorizer struct {
	client   *Client
	resource name.Registry

	mu        sync.Mutex
	challenge *challenge // nil until the registry has asked
	config    *authn.AuthConfig
	refused   error // the credentials themselves were refused: final for this run
	served    bool  // they have been accepted before: a refusal is not about them
	down      error // what the last attempt to get a token ended with, if no token server answered
	downAt    time.Time
	run       map[string]bool
	tokens    map[string]*token // by scopes, "" is the run's token
	narrow    map[string]bool   // scopes that the run's token does not cover
	fetching  chan struct{}     // one token at a time
}

func newAuthorizer(c *Client, resource name.Registry) *authorizer {
	return &authorizer{
		client: c, resource: resource,
		run: map[string]bool{}, tokens: map[string]*token{}, narrow: map[string]bool{},
		fetching: make(chan struct{}, 1),
	}
}

func (a *authorizer) prepare(repositories []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, repository := range repositories {
		a.run[repository] = true
	}
}

// authorize sets the header that the registry has asked for, if it has. The value it
// returns names the credentials used, for reject.
func (a *authorizer) authorize(ctx context.Context, req *http.Request, need Access) (string, error) {
	a.mu.Lock()
	challenge, refused, config := a.challenge, a.refused, a.config
	a.mu.Unlock()
	switch {
	case refused != nil:
		return "", refused
	case challenge == nil:
		return "", nil
	case challenge.scheme == "basic" && !hasPassword(config):
		return "", nil // an empty name is refused even where nobody is welcome
	case challenge.scheme == "basic":
		req.SetBasicAuth(config.Username, config.Password)
		return "basic", nil
	case config.RegistryToken != "":
		req.Header.Set("Authorization", "Bearer "+config.RegistryToken)
		return "given", nil
	}
	value, err := a.bearer(ctx, need)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+value)
	return value, nil
}

// bearer returns a token for need, fetching one where none is fresh.
func (a *authorizer) bearer(ctx context.Context, need Access) (string, error) {
	since := time.Now()
	if held := a.held(need); held != "" {
		return held, nil
	}
	select {
	case a.fetching <- struct{}{}:
		defer func() { <-a.fetching }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if held := a.held(need); held != "" {
		return held, nil
	}
	if err := a.downSince(since); err != nil {
		return "", err
	}
	key, scopes := a.wanted(need)
	fetched, err := a.fetch(ctx, scopes)
	if key == "" && a.disband(err, need, scopes) {
		key, scopes = a.wanted(need)
		fetched, err = a.fetch(ctx, scopes)
	}
	if err != nil {
		return "", err
	}
	a.client.secrets.add(fetched.value)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens[key], a.served = fetched, true
	return fetched.value, nil
}

// downSince is what somebody found out about the token server while others waited for it.
func (a *authorizer) downSince(since time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.downAt.After(since) {
		return a.down
	}
	return nil
}

// disband gives up asking for one token for the whole run, where the token server refuses
// to give one: it may not grant one of the repositories, or not so many.
func (a *authorizer) disband(err error, need Access, scopes []string) bool {
	var refused *TokenError
	if !errors.As(err, &refused) || need.Repository == "" || slices.Equal(scopes, need.scopes()) {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.run = map[string]bool{}
	return true
}

// noteServed remembers that a password was good for something.
func (a *authorizer) noteServed(used string) {
	if used != "basic" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.served = true
}

func hasPassword(config *authn.AuthConfig) bool {
	return config.Username != "" || config.Password != ""
}

func (a *authorizer) held(need Access) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.tokens[a.key(need)]; t.fresh(time.Now()) {
		return t.value
	}
	return ""
}

// key names the token that serves need: the run's where that is thought to cover it.
func (a *authorizer) key(need Access) string {
	own := strings.Join(need.scopes(), " ")
	covered := need.Repository == "" || a.run[need.Repository] && (!need.Push || a.client.opts.Push) &&
		(need.From == "" || a.run[need.From])
	if covered && !a.narrow[own] {
		return ""
	}
	return own
}

// wanted returns the key and the scopes of the token to fetch for need.
func (a *authorizer) wanted(need Access) (string, []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := a.key(need)
	if key != "" {
		return key, need.scopes()
	}
	var scopes []string
	for repository := range a.run {
		scopes = append(scopes, Access{Repository: repository, Push: a.client.opts.Push}.scopes()...)
	}
	sort.Strings(scopes)
	return key, scopes
}

// reject learns from a 401: the challenge, or that the token used no longer serves. It
// reports whether another try may fare better.
func (a *authorizer) reject(ctx context.Context, resp *http.Response, need Access, used string) (bool, error) {
	found, ok := findChallenge(resp.Header)
	if !ok {
		return false, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.challenge == nil {
		config, err := a.credentials(ctx)
		if err != nil {
			return false, err
		}
		a.challenge, a.config = &found, config
		a.client.secrets.learn(config)
		return found.scheme == "bearer" || hasPassword(config), nil
	}
	if a.challenge.scheme == "basic" || used == "given" {
		return used == "" && hasPassword(a.config), nil // sent before the challenge was known
	}
	key := a.key(need)
	if t := a.tokens[key]; t != nil && t.value == used {
		delete(a.tokens, key)
		if found.params["error"] == "insufficient_scope" && key == "" {
			a.narrow[strings.Join(need.scopes(), " ")] = true
		}
	}
	return true, nil
}

// narrowTo makes need use a token of its own from now on: the run's was refused twice. It
// reports false where it does already.
func (a *authorizer) narrowTo(need Access) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	own := strings.Join(need.scopes(), " ")
	if own == "" || a.key(need) != "" {
		return false
	}
	a.narrow[own] = true
	return true
}

// credentials asks the keychain. Identity and password are trimmed: a stray newline at
// the end of a pasted token makes registries answer that its signature is wrong.
func (a *authorizer) credentials(ctx context.Context) (*authn.AuthConfig, error) {
	authenticator, err := authn.Resolve(ctx, a.client.opts.Keychain, a.resource)
	if err != nil {
		return nil, a.problem(fmt.Errorf("reading credentials: %w", err))
	}
	config, err := authn.Authorization(ctx, authenticator)
	if err != nil {
		return nil, a.problem(fmt.Errorf("reading credentials: %w", err))
	}
	trimmed := *config
	trimmed.Username = strings.TrimSpace(config.Username)
	trimmed.Password = strings.TrimSpace(config.Password)
	trimmed.IdentityToken = strings.TrimSpace(config.IdentityToken)
	trimmed.RegistryToken = strings.TrimSpace(config.RegistryToken)
	return &trimmed, nil
}

func (a *authorizer) problem(err error) error {
	return &registry.Error{Op: "authenticating at", Side: a.client.opts.Side, Host: a.client.host, Ref: a.client.host, Err: err}
}

// anonymous tells whether there are no credentials for the registry.
func (a *authorizer) anonymous() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.config == nil || *a.config == authn.AuthConfig{}
}

// refuse is the error for a 401 that nothing more can be done about. Basic credentials that
// have never served are not tried again in this run: that could lock the account.
func (a *authorizer) refuse(status *StatusError, used string) error {
	err := a.problem(status)
	a.mu.Lock()
	defer a.mu.Unlock()
	if used == "basic" && !a.served {
		a.refused = err
	}
	return err
}
