package auth

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Attempt is one request's way past the registry's door, however often it has to be sent. It
// is for one goroutine.
type Attempt struct {
	authorizer *Authorizer
	need       Access
	began      time.Time

	asked *challenge // what was answered when the request was last sent; nil where nothing was known
	login authn.AuthConfig
	sent  sentAs
	token *token // where sent is asToken

	challenged int      // how often the registry has asked in another way
	bare       bool     // sent again as nobody's, or now with credentials
	guess      bool     // asked is what the registry asked for another repository
	doubt      error    // the token server that was guessed at has refused with this
	doubtful   tokenKey // what it has refused
	renewed    int      // how often a token that did not serve was replaced
	narrowed   bool     // a token for this request alone is tried
	first      bool     // it is the first to send a password
}

// sentAs is how a request was last sent.
type sentAs int

const (
	asNobody sentAs = iota
	asBasic
	asGiven // with a token that the user has given
	asToken
)

// mostChallenges is how often a registry may ask one request in yet another way.
const mostChallenges = 3

// mostRenewals is how many tokens in a row may turn out not to serve any more: others use the
// same, and one of them may have just worn out the new one.
const mostRenewals = 2

// Begin accompanies a request that needs access.
func (a *Authorizer) Begin(need Access) *Attempt {
	return &Attempt{authorizer: a, need: need, began: time.Now()}
}

// Authorize sets the header that the registry has asked for, if it has. Credentials that the
// registry has refused are not sent again: that could lock the account.
func (t *Attempt) Authorize(ctx context.Context, req *http.Request) (err error) {
	a := t.authorizer
	t.sent, t.token = asNobody, nil
	a.mu.Lock()
	t.asked, t.guess = a.challengeFor(t.need.Repository)
	a.mu.Unlock()
	if t.asked == nil {
		return nil
	}
	if t.login, err = a.login(ctx, t.need.Repository); err != nil {
		return err
	}
	a.mu.Lock()
	refused := a.standing(t.space()).refused
	a.mu.Unlock()
	switch {
	case refused != nil:
		return refused
	case t.asked.scheme == "basic" && !hasPassword(t.login):
		return nil // an empty name is refused even where nobody is welcome
	case t.asked.scheme == "basic":
		if err := t.afterTheFirst(ctx); err != nil {
			return err
		}
		t.sent = asBasic
		req.SetBasicAuth(t.login.Username, t.login.Password)
		return nil
	case t.login.RegistryToken != "":
		t.sent = asGiven
		req.Header.Set("Authorization", "Bearer "+t.login.RegistryToken)
		return nil
	}
	return t.authorizeByToken(ctx, req)
}

// firstsTime bounds how long requests wait for the first that sends a password: it may be cut off, and
// be in need of the place that they hold.
const firstsTime = 2 * time.Second

// afterTheFirst lets one request find out whether a password serves, before others that are on their
// way send it too: a few wrong ones at once lock an account. It fails where it does not serve.
func (t *Attempt) afterTheFirst(ctx context.Context) error {
	a := t.authorizer
	a.mu.Lock()
	standing := a.standing(t.space())
	if standing.served || standing.trying == nil {
		if !standing.served {
			standing.trying, t.first = make(chan struct{}), true
		}
		a.mu.Unlock()
		return nil
	}
	tried := standing.trying
	a.mu.Unlock()
	if t.first {
		return nil
	}
	wait := time.NewTimer(firstsTime)
	defer wait.Stop()
	select {
	case <-tried:
	case <-wait.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return standing.refused
}

// authorizeByToken gets a token. The server that was guessed at may not know the repository:
// where it refuses, the request is sent without, so that the registry names the right one.
func (t *Attempt) authorizeByToken(ctx context.Context, req *http.Request) (err error) {
	doubted := t.doubt != nil
	if t.token, err = t.authorizer.bearer(ctx, t); err != nil {
		if t.doubt != nil && !doubted {
			return nil
		}
		return err
	}
	t.sent = asToken
	req.Header.Set("Authorization", "Bearer "+t.token.value)
	return nil
}

func (t *Attempt) space() space { return spaceOf(*t.asked, t.login) }

// own is the key of the token for this request alone.
func (t *Attempt) own() tokenKey {
	scopes := t.need.scopes()
	if t.asked != nil {
		t.authorizer.mu.Lock()
		last := t.authorizer.challenges[t.need.Repository]
		t.authorizer.mu.Unlock()
		scopes = asking(last.params["scope"], scopes)
	}
	return tokenKey{t.space(), strings.Join(scopes, " ")}
}

// Anonymous tells that there were no credentials to present.
func (t *Attempt) Anonymous() bool { return t.login == authn.AuthConfig{} }

// Served notes that a request was let in, whatever else came of it: with what it was sent it
// may be sent again.
func (t *Attempt) Served() {
	if t.sent == asNobody || t.sent == asGiven {
		return
	}
	a := t.authorizer
	own := t.own()
	a.mu.Lock()
	defer a.mu.Unlock()
	standing := a.standing(t.space())
	standing.served = true
	standing.tried()
	if t.narrowed && t.sent == asToken {
		a.narrow[own] = true
	}
}

// Refused learns from a 401, or a 403, and reports whether another try may fare better. It
// fails where credentials cannot be read.
func (t *Attempt) Refused(ctx context.Context, status int, header http.Header) (bool, error) {
	if status == http.StatusForbidden {
		return t.sent == asToken && t.narrower(), nil
	}
	found, ok := findChallenge(header)
	if ok && (t.asked == nil || !found.same(*t.asked)) {
		return t.challengedBy(ctx, found)
	}
	if ok { // asked as before, for another scope perhaps
		t.authorizer.learn(t.need.Repository, found)
	}
	switch t.sent {
	case asToken:
		return t.withAnotherToken(found.params["error"] == "insufficient_scope"), nil
	case asNobody:
		again := t.asked != nil && !t.bare && (t.asked.scheme == "bearer" || hasPassword(t.login))
		t.bare = true
		return again, nil
	}
	return false, nil
}

// challengedBy is for a registry that asks for the first time, or in another way than before:
// each path may have a token server of its own, and which one may change.
func (t *Attempt) challengedBy(ctx context.Context, found challenge) (again bool, err error) {
	if t.sent == asBasic { // here nobody finds out whether the password serves
		t.authorizer.mu.Lock()
		t.authorizer.standing(t.space()).tried()
		t.authorizer.mu.Unlock()
	}
	if t.challenged++; t.challenged > mostChallenges {
		return false, nil
	}
	t.authorizer.learn(t.need.Repository, found)
	t.renewed, t.narrowed = 0, false
	t.login, err = t.authorizer.login(ctx, t.need.Repository)
	return found.scheme == "bearer" || hasPassword(t.login), err
}

// withAnotherToken gets ready for another try after a token was refused. One that has served
// before may have expired early; a new one most likely does not cover this request.
func (t *Attempt) withAnotherToken(insufficient bool) bool {
	if (insufficient || t.renewed > 0 || t.token.asked.After(t.began)) && t.narrower() {
		return true
	}
	if t.renewed == mostRenewals {
		return false
	}
	t.renewed++
	t.authorizer.drop(t.token)
	return true
}

// narrower gets ready for a token for this request alone; false where that has been tried, or
// would be the same.
func (t *Attempt) narrower() bool {
	if t.narrowed || t.need.Repository == "" || t.own() == t.token.key {
		return false
	}
	t.narrowed = true
	return true
}

// GiveUp notes that a refusal was final. A password that has never served is not tried again in
// this run: that could lock the account. Err is what others get who would send it.
func (t *Attempt) GiveUp(status int, err error) {
	if t.sent != asBasic {
		return
	}
	a := t.authorizer
	a.mu.Lock()
	defer a.mu.Unlock()
	standing := a.standing(t.space())
	if !standing.served && status == http.StatusUnauthorized {
		standing.refused = err
	}
	standing.tried()
}
