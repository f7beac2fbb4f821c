package registrytest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TokenOptions say how a token server grants tokens. The zero value is generous: tokens
// last five minutes and allow what was asked for.
type TokenOptions struct {
	// Lifetime is how long the registry accepts a token, in whole seconds; 0 means five
	// minutes.
	Lifetime time.Duration
	// HideLifetime leaves expires_in out of the answers, as old servers do: clients have
	// to assume 60 s.
	HideLifetime bool
	// ClaimLifetime is what expires_in says where it is not the truth; 0 says the truth.
	ClaimLifetime time.Duration
	// Wrap stands before the token server, the first outermost: a Counter, or faults.
	Wrap []Middleware
	// DenyPush grants pulling only, whoever asks, as a vendor's registry does.
	DenyPush bool
}

// TokenServer speaks docker's token protocol: GET with basic credentials, POST with a
// grant, tokens signed the way distribution wants them. Without accounts everybody gets
// what they ask for.
type TokenServer struct {
	opts     TokenOptions
	accounts []Account
	realm    string
	rootFile string
	cert     *x509.Certificate
	key      *ecdsa.PrivateKey

	issued, refused atomic.Int64
}

const (
	// TokenService is what tokens are for: the name that registries go by in challenges.
	TokenService = "registrytest"
	tokenIssuer  = "registrytest tokens"
	// leeway is what distribution grants beyond a token's end for clocks that differ.
	leeway = 60 * time.Second
)

// newTokenServer starts a token server that shares accounts and authority with r.
func newTokenServer(tb testing.TB, r *Registry, opts TokenOptions) *TokenServer {
	tb.Helper()
	if opts.Lifetime == 0 {
		opts.Lifetime = 5 * time.Minute
	}
	ca := r.CA
	if ca == nil {
		ca = NewCA(tb)
	}
	signer := ca.Issue(tb, "tokens")
	s := &TokenServer{
		opts: opts, accounts: r.Accounts, rootFile: ca.File,
		cert: signer.TLS.Leaf, key: signer.TLS.PrivateKey.(*ecdsa.PrivateKey),
	}
	url := startHTTP(tb, wrapAll(s, opts.Wrap), r.serverTLS(tb), new(atomic.Int64))
	// By name: go-containerregistry refuses a realm that names a private address.
	s.realm = strings.Replace(url, "127.0.0.1", "localhost", 1) + "/token"
	return s
}

// Realm is the address of the token server.
func (s *TokenServer) Realm() string { return s.realm }

// Issued is how many tokens were handed out.
func (s *TokenServer) Issued() int { return int(s.issued.Load()) }

// Refused is how many requests for a token were answered with 401.
func (s *TokenServer) Refused() int { return int(s.refused.Load()) }

func (s *TokenServer) distributionConfig() object {
	return object{
		"realm": s.realm, "service": TokenService, "issuer": tokenIssuer, "rootcertbundle": s.rootFile,
	}
}

// ServeHTTP answers requests for tokens.
func (s *TokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	account, ok := s.login(r)
	if !ok {
		s.refused.Add(1)
		http.Error(w, `{"details":"incorrect username or password"}`, http.StatusUnauthorized)
		return
	}
	var access []resourceActions
	for _, scope := range scopes(r) {
		if granted, ok := s.grant(account, scope); ok {
			access = append(access, granted)
		}
	}
	answer := s.answer(account, access)
	if r.Method == http.MethodPost || r.Form.Get("offline_token") == "true" {
		answer["refresh_token"] = "refresh-" + account.Username + "-" + account.Password
	}
	s.issued.Add(1)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// login finds the account of a request, by basic authentication (GET) or by a password or
// refresh token in a form (POST). Without accounts everybody is somebody.
func (s *TokenServer) login(r *http.Request) (Account, bool) {
	if len(s.accounts) == 0 {
		return Account{Username: "anybody"}, true
	}
	user, password, _ := r.BasicAuth()
	if r.Method == http.MethodPost {
		user, password = r.PostForm.Get("username"), r.PostForm.Get("password")
	}
	refresh := r.PostForm.Get("refresh_token")
	for _, account := range s.accounts {
		if account.Username == user && account.Password == password ||
			refresh == "refresh-"+account.Username+"-"+account.Password {
			return account, true
		}
	}
	return Account{}, false
}

// scopes are the scopes of a request: several parameters, or several in one.
func scopes(r *http.Request) []string {
	var all []string
	for _, scope := range r.Form["scope"] {
		all = append(all, strings.Fields(scope)...)
	}
	return all
}

// grant cuts a scope, "repository:NAME:pull,push", down to what the account may do.
func (s *TokenServer) grant(account Account, scope string) (resourceActions, bool) {
	kind, rest, _ := strings.Cut(scope, ":")
	colon := strings.LastIndex(rest, ":")
	if colon < 0 {
		return resourceActions{}, false
	}
	granted := resourceActions{Type: kind, Name: rest[:colon], Actions: strings.Split(rest[colon+1:], ",")}
	if s.opts.DenyPush || account.PullOnly {
		granted.Actions = slices.DeleteFunc(granted.Actions, func(action string) bool { return action != "pull" })
	}
	return granted, true
}

func (s *TokenServer) answer(account Account, access []resourceActions) object {
	now := time.Now()
	token := signToken(s.key, s.cert, claims{
		Issuer: tokenIssuer, Audience: TokenService, Subject: account.Username, ID: rand.Text(),
		// The registry's leeway is taken off here, so that Lifetime is the truth.
		Expires: now.Add(s.opts.Lifetime - leeway).Unix(), NotBefore: now.Add(-time.Hour).Unix(), Issued: now.Unix(),
		Access: access,
	})
	answer := object{"token": token, "access_token": token, "issued_at": now.UTC().Format(time.RFC3339)}
	claimed := s.opts.Lifetime
	if s.opts.ClaimLifetime != 0 {
		claimed = s.opts.ClaimLifetime
	}
	if !s.opts.HideLifetime {
		answer["expires_in"] = int(claimed.Seconds())
	}
	return answer
}
