package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// TokenError is a token server's refusal. It is about credentials or about that server, never
// about the repository, so that a 404 does not mean that a tag is missing: it unwraps to
// nothing.
type TokenError struct {
	// Err is what the server answered.
	Err error
	// Unfit says that the server does not accept the credentials in some other way than with 401.
	Unfit bool
	// Down says that it was no verdict: the server fails however often it is asked.
	Down bool
}

// Error says who refused, and with what words.
func (e *TokenError) Error() string { return "the token server says " + e.Err.Error() }

// Is lets the answer stand for what it says about credentials only.
func (e *TokenError) Is(target error) bool {
	switch target {
	case registry.ErrUnauthorized:
		return e.Unfit || errors.Is(e.Err, target)
	case registry.ErrForbidden, registry.ErrExpired:
		return errors.Is(e.Err, target)
	}
	return false
}

// noTokenError is why there is no token. Unless it is a verdict about credentials it says that it is the
// token server that fails: it may be another host than the registry, which has answered.
type noTokenError struct{ err error }

func (e *noTokenError) Error() string { return e.err.Error() }
func (e *noTokenError) Unwrap() error { return e.err }
func (e *noTokenError) Is(target error) bool {
	verdict := errors.Is(e.err, registry.ErrUnauthorized) || errors.Is(e.err, registry.ErrForbidden) || errors.Is(e.err, registry.ErrExpired)
	return target == registry.ErrTokens && !verdict
}

// bearer returns a token for an attempt, fetching one where none is fresh.
func (a *Authorizer) bearer(ctx context.Context, t *Attempt) (*token, error) {
	since := time.Now()
	key, err := a.choose(ctx, t)
	if err != nil {
		return nil, err
	}
	if held := a.held(key); held != nil {
		return held, nil
	}
	select {
	case a.fetching <- struct{}{}:
		defer func() { <-a.fetching }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if key, err = a.choose(ctx, t); err != nil { // others may have found out more meanwhile
		return nil, err
	}
	if held := a.held(key); held != nil {
		return held, nil
	}
	if err := a.downSince(since); err != nil {
		return nil, err
	}
	fetched, err := a.fetchFor(ctx, t, key)
	if own := t.own(); key != own && a.disband(err, t) {
		fetched, err = a.fetchFor(ctx, t, own)
	}
	return fetched, err
}

// fetchFor gets a token for an attempt. Where the guess of the server was right, what it has
// refused is not asked for once more; a token for others too is refused where the guess about one
// of those was wrong, and says nothing of this one.
func (a *Authorizer) fetchFor(ctx context.Context, t *Attempt, key tokenKey) (*token, error) {
	if t.doubt != nil && t.doubtful == key {
		return nil, t.doubt
	}
	fetched, err := a.fetch(ctx, key)
	var refused *TokenError
	if t.guess && errors.As(err, &refused) && !refused.Down {
		t.doubt, t.doubtful = err, key
	}
	return fetched, err
}

// choose is the token that serves an attempt: the run's where that is thought to cover it.
func (a *Authorizer) choose(ctx context.Context, t *Attempt) (tokenKey, error) {
	own := t.own()
	a.mu.Lock()
	alone := t.narrowed || a.narrow[own] || a.standing(own.space).single || t.need.Push && !a.opts.Push || t.need.Delete ||
		t.need.Repository != "" && !a.run[t.need.Repository] || t.need.From != "" && !a.run[t.need.From]
	a.mu.Unlock()
	if alone {
		return own, nil
	}
	repositories, err := a.together(ctx, own.space)
	if err != nil {
		return own, err
	}
	var scopes []string
	for _, repository := range repositories {
		scopes = append(scopes, Access{Repository: repository, Push: a.opts.Push}.scopes()...)
	}
	return tokenKey{own.space, strings.Join(scopes, " ")}, nil
}

func (a *Authorizer) held(key tokenKey) *token {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.tokens[key]; t.fresh(time.Now()) {
		return t
	}
	return nil
}

// drop forgets a token that does not serve any more.
func (a *Authorizer) drop(unfit *token) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tokens[unfit.key] == unfit {
		delete(a.tokens, unfit.key)
	}
}

// downSince is what somebody found out about the token server while others waited for it.
func (a *Authorizer) downSince(since time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.downAt.After(since) {
		return a.down
	}
	return nil
}

// disband gives up asking for one token for the whole run, where the token server refuses
// to give one: it may not grant one of the repositories, or not so many.
func (a *Authorizer) disband(err error, t *Attempt) bool {
	var refused *TokenError
	if !errors.As(err, &refused) || refused.Down || t.need.Repository == "" || t.guess {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.standing(t.space()).single = true
	return true
}

// fetch gets a token from the realm of its space.
func (a *Authorizer) fetch(ctx context.Context, key tokenKey) (*token, error) {
	a.mu.Lock()
	refused := a.standing(key.space).refused
	a.mu.Unlock()
	if refused != nil {
		return nil, refused
	}
	realm, err := a.realm(key.realm)
	if err != nil {
		return nil, &noTokenError{err}
	}
	asked := time.Now()
	body, err := a.opts.Ask(ctx, tokenRequest(realm, key))
	var answer *tokenAnswer
	if err == nil {
		answer, err = readAnswer(body)
	}
	if err != nil {
		err = &noTokenError{err}
		a.remember(ctx, key, err)
		return nil, err
	}
	a.opts.Learned(answer.value())
	fetched := newToken(answer, asked)
	fetched.key = key
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens[key] = fetched
	a.standing(key.space).served = true
	return fetched, nil
}

// remember keeps what concerns others too: that the credentials were refused, for asking
// again in this run could lock the account, and that the server does not answer.
func (a *Authorizer) remember(ctx context.Context, key tokenKey, err error) {
	if ctx.Err() != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var refusal *TokenError
	standing := a.standing(key.space)
	switch {
	case !errors.As(err, &refusal), refusal.Down:
		a.down, a.downAt = err, time.Now()
	case errors.Is(err, registry.ErrUnauthorized) && !standing.served && key.login != authn.AuthConfig{}:
		standing.refused = err
	}
}

// tokenRequest builds the request: OAuth 2's form for an identity token, else a GET.
func tokenRequest(realm *url.URL, key tokenKey) func() (*http.Request, error) {
	return func() (*http.Request, error) {
		if key.login.IdentityToken != "" {
			return oauthRequest(realm, key)
		}
		query := realm.Query()
		if key.service != "" {
			query.Set("service", key.service)
		}
		for _, scope := range strings.Fields(key.scopes) {
			query.Add("scope", scope)
		}
		target := *realm
		target.RawQuery = query.Encode()
		req, err := http.NewRequest(http.MethodGet, target.String(), nil) //nolint:noctx // who sends it adds the context
		if err == nil && hasPassword(key.login) {
			req.SetBasicAuth(key.login.Username, key.login.Password)
		}
		return req, err
	}
}

func oauthRequest(realm *url.URL, key tokenKey) (*http.Request, error) {
	form := url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {key.login.IdentityToken},
		"client_id":     {"pgrelocate"},
		"service":       {key.service},
		"scope":         {key.scopes},
	}
	req, err := http.NewRequest(http.MethodPost, realm.String(), strings.NewReader(form.Encode())) //nolint:noctx // who sends it adds the context
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req, err
}
