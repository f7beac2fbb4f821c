package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// tokenAnswer is what a token server says, in the words of the distribution project and
// of OAuth 2.
type tokenAnswer struct {
	Token       string `json:"token"`
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"-"` // in seconds; 0 where the server does not say, or not so that it makes sense
}

// UnmarshalJSON takes expires_in as servers write it: 300, 300.0 or "300".
func (t *tokenAnswer) UnmarshalJSON(data []byte) error {
	type plain tokenAnswer // without this method
	said := struct {
		*plain
		ExpiresIn json.RawMessage `json:"expires_in"`
	}{plain: (*plain)(t)}
	if err := json.Unmarshal(data, &said); err != nil {
		return err
	}
	t.ExpiresIn = seconds(string(said.ExpiresIn))
	return nil
}

// longestLife is taken for whatever is said to live longer.
const longestLife = 365 * 24 * time.Hour

// seconds reads a positive number of them, 0 where it is none.
func seconds(text string) int64 {
	value, err := strconv.ParseFloat(strings.Trim(text, `"`), 64)
	if err != nil || math.IsInf(value, 0) || !(value >= 1) { // nor NaN
		return 0
	}
	return int64(min(value, longestLife.Seconds()))
}

// value is the token.
func (t *tokenAnswer) value() string {
	if t.Token != "" {
		return t.Token
	}
	return t.AccessToken
}

// check tells what makes the token unusable.
func (t *tokenAnswer) check() error {
	value := t.value()
	if value == "" {
		return errors.New("the token server's answer holds no token")
	}
	for i := range len(value) {
		if b := value[i]; b < ' ' || b >= 0x7f {
			return fmt.Errorf("the token server's answer holds a token with the byte %#02x, which no request can carry: that server has to be mended", b)
		}
	}
	return nil
}

// fetch gets a token for scopes from the challenge's realm.
func (a *authorizer) fetch(ctx context.Context, scopes []string) (*token, error) {
	a.mu.Lock()
	params, config, refused := a.challenge.params, a.config, a.refused
	a.mu.Unlock()
	if refused != nil {
		return nil, refused
	}
	realm, err := a.realm(params["realm"])
	if err != nil {
		return nil, a.problem(err)
	}
	asked := time.Now()
	answer, err := a.ask(ctx, tokenRequest(realm, params["service"], scopes, config))
	if err != nil {
		return nil, a.remember(err)
	}
	return newToken(answer, asked), nil
}

// realm checks the address of the token server: credentials never travel in the clear
// unless the user asked for plain HTTP or the server is this machine.
func (a *authorizer) realm(raw string) (*url.URL, error) {
	realm, err := url.Parse(raw)
	if err != nil || realm.Host == "" {
		return nil, fmt.Errorf("the registry names an unusable token server %q", a.client.Printable(raw))
	}
	switch {
	case realm.Scheme == "https":
	case realm.Scheme == "http" && a.client.MayUsePlainHTTP(realm.Host):
	default:
		return nil, fmt.Errorf("the registry names a token server without TLS, %s://%s", realm.Scheme, realm.Host)
	}
	return realm, nil
}

// remember keeps what concerns others too: that the credentials were refused, for asking
// again in this run could lock the account, and that the server does not answer.
func (a *authorizer) remember(err error) error {
	var (
		over   *GaveUpError
		status *StatusError
	)
	a.mu.Lock()
	served, anonymous := a.served, *a.config == authn.AuthConfig{}
	a.mu.Unlock()
	unfit := errors.Is(err, registry.ErrUnauthorized)
	down := errors.As(err, &over)
	if errors.As(err, &status) {
		err = &TokenError{err, status}
	}
	if unfit {
		err = a.problem(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case unfit && !served && !anonymous:
		a.refused = err
	case down:
		a.down, a.downAt = err, time.Now()
	}
	return err
}

// TokenError is a token server's refusal. It is about credentials or about that server, never
// about the repository, so that a 404 does not mean that a tag is missing.
type TokenError struct {
	err    error
	status *StatusError
}

// Error says who refused, and with what words.
func (e *TokenError) Error() string { return "the token server says " + e.err.Error() }

// Is lets the status stand for what it says about credentials only.
func (e *TokenError) Is(target error) bool {
	return (target == registry.ErrUnauthorized || target == registry.ErrForbidden) && e.status.Is(target)
}

// newToken replaces a token when a quarter of its life is left, for the registry's clock
// and ours may differ. A token server that says nothing means 60 seconds.
func newToken(answer *tokenAnswer, asked time.Time) *token {
	life := time.Duration(answer.ExpiresIn) * time.Second
	if life <= 0 {
		life = time.Minute
	}
	return &token{value: answer.value(), renewAt: asked.Add(life - min(life/4, time.Minute))}
}

// tokenRequest builds the request: OAuth 2's form for an identity token, else a GET.
func tokenRequest(realm *url.URL, service string, scopes []string, config *authn.AuthConfig) func() (*http.Request, error) {
	return func() (*http.Request, error) {
		if config.IdentityToken != "" {
			return oauthRequest(realm, service, scopes, config)
		}
		query := realm.Query()
		if service != "" {
			query.Set("service", service)
		}
		for _, scope := range scopes {
			query.Add("scope", scope)
		}
		target := *realm
		target.RawQuery = query.Encode()
		req, err := http.NewRequest(http.MethodGet, target.String(), nil) //nolint:noctx // ask adds the context
		if err == nil && hasPassword(config) {
			req.SetBasicAuth(config.Username, config.Password)
		}
		return req, err
	}
}

func oauthRequest(realm *url.URL, service string, scopes []string, config *authn.AuthConfig) (*http.Request, error) {
	form := url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {config.IdentityToken},
		"client_id":     {"pgrelocate"},
		"service":       {service},
		"scope":         {strings.Join(scopes, " ")},
	}
	req, err := http.NewRequest(http.MethodPost, realm.String(), strings.NewReader(form.Encode())) //nolint:noctx // ask adds the context
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req, err
}

// ask sends the request until it is answered or the retries are used up.
func (a *authorizer) ask(ctx context.Context, build func() (*http.Request, error)) (*tokenAnswer, error) {
	retry := a.client.NewRetry("fetching a token for " + a.client.host)
	for {
		answer, err := a.askOnce(ctx, build)
		if err == nil || !Retryable(err) {
			return answer, err
		}
		if err := retry.Wait(ctx, err); err != nil {
			return nil, err
		}
	}
}

func (a *authorizer) askOnce(ctx context.Context, build func() (*http.Request, error)) (*tokenAnswer, error) {
	req, err := build()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, a.client.opts.StallTimeout, errStalled)
	defer cancel()
	resp, err := a.client.follow(req, func(req *http.Request) (*http.Response, error) {
		a.client.opts.Traffic.AuthRequests.Add(1)
		resp, err := a.client.roundTrip(req.WithContext(ctx))
		if err != nil {
			return nil, cause(ctx, unwrapNet(err))
		}
		return resp, nil
	})
	if err != nil {
		return nil, err
	}
	defer drain(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return nil, a.client.statusError(resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, cause(ctx, err)
	}
	var answer tokenAnswer
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("reading the token server's answer: %w", err)
	}
	return &answer, answer.check()
}
