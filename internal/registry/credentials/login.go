package credentials

import (
	"errors"
	"fmt"
	"strings"

	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
)

// TokenUser is the user name that marks a password as an identity token, as credential
// helpers spell it.
const TokenUser = "<token>"

// Login is a user name with a password. The zero value is none.
type Login struct {
	Username string
	Password string
}

// IsZero tells whether there is no login.
func (l Login) IsZero() bool { return l == Login{} }

// String keeps the password out of every message and log.
func (l Login) String() string {
	if l.IsZero() {
		return "no credentials"
	}
	return l.Username + " (password not shown)"
}

// GoString is String, so that %#v shows no password either.
func (l Login) GoString() string { return l.String() }

// Clean trims a secret as it comes out of a file, a pipe or a variable: a newline at the
// end of a pasted token is the usual reason for a signature that does not verify. A
// secret of several lines is an error, and so is an empty one.
func Clean(secret string) (string, error) {
	secret = strings.TrimSpace(strings.TrimPrefix(secret, "\ufeff"))
	switch {
	case secret == "":
		return "", errors.New("the password is empty")
	case strings.ContainsAny(secret, "\r\n"):
		return "", errors.New("the password has more than one line")
	case strings.ContainsRune(secret, 0):
		return "", errors.New("the password contains a NUL byte")
	}
	return secret, nil
}

// FromEnvironment reads the login in PREFIX_USERNAME and PREFIX_PASSWORD, trimmed. It is
// the zero Login where neither is set; one without the other is an error.
func FromEnvironment(prefix string) (Login, error) {
	user, password := prefix+"_USERNAME", prefix+"_PASSWORD"
	login := Login{
		Username: strings.TrimSpace(Variable(user)),
		Password: strings.TrimSpace(Variable(password)),
	}
	switch {
	case login.IsZero():
		return Login{}, nil
	case login.Password == "":
		return Login{}, fmt.Errorf("%s is set, but %s is not", user, password)
	case login.Username == "":
		return Login{}, fmt.Errorf("%s is set, but %s is not", password, user)
	}
	var err error
	if login.Password, err = Clean(login.Password); err != nil {
		return Login{}, fmt.Errorf("%s: %w", password, err)
	}
	return login, nil
}

// Authenticator presents the login to a registry; the zero Login is anonymous.
func (l Login) Authenticator() authn.Authenticator {
	switch {
	case l.IsZero():
		return authn.Anonymous
	case l.Username == TokenUser:
		return authn.FromConfig(authn.AuthConfig{IdentityToken: l.Password})
	default:
		return authn.FromConfig(authn.AuthConfig{Username: l.Username, Password: l.Password})
	}
}

// entry is the login as docker's config keeps it.
func (l Login) entry(server string) types.AuthConfig {
	if l.Username == TokenUser {
		return types.AuthConfig{ServerAddress: server, IdentityToken: l.Password}
	}
	return types.AuthConfig{ServerAddress: server, Username: l.Username, Password: l.Password}
}
