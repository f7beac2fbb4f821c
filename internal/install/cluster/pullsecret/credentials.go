package pullsecret

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Credentials are the login that goes into a pull secret; the zero value is none.
type Credentials = credentials.Login

// CredentialsFrom takes the credentials of a docker config for a pull secret. Anonymous
// ones give the zero value; identity tokens, which a kubelet cannot use, ErrNoPassword.
func CredentialsFrom(config authn.AuthConfig) (Credentials, error) {
	switch {
	case config.Username != "" && config.Password != "":
		return Credentials{Username: config.Username, Password: config.Password}, nil
	case config.Auth != "":
		plain, err := base64.StdEncoding.DecodeString(config.Auth)
		username, password, ok := strings.Cut(string(plain), ":")
		if err != nil || !ok {
			return Credentials{}, errors.New("the docker config's auth entry is not USER:PASSWORD in base64")
		}
		return Credentials{Username: username, Password: password}, nil
	case config.IdentityToken != "" || config.RegistryToken != "":
		return Credentials{}, ErrNoPassword
	default:
		return Credentials{}, nil
	}
}

// ParseCredentials reads USER:PASSWORD, or a docker config's JSON with an entry for host, which may be followed
// by a repository as in Stored.
// White space around it does not count, for files end with a newline. Errors never repeat
// what they could not read.
func ParseCredentials(text, at string) (Credentials, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		return decodeDockerConfig([]byte(text), at)
	}
	username, password, ok := strings.Cut(text, ":")
	username = strings.TrimSpace(username)
	password, err := credentials.Clean(password)
	if !ok || username == "" || err != nil {
		return Credentials{}, &UnreadableError{Host: hostOf(at)}
	}
	return Credentials{Username: username, Password: password}, nil
}

// dockerConfig is the content of a pull secret, and of docker's config file.
type dockerConfig struct {
	Auths map[string]dockerAuth `json:"auths"`
}

type dockerAuth struct {
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	Auth     string `json:"auth,omitempty"`
	Token    string `json:"identitytoken,omitempty"`
}

// encodeDockerConfig is the content of a pull secret for some hosts, which all take one login.
func encodeDockerConfig(login Credentials, hosts ...string) ([]byte, error) {
	auth := dockerAuth{
		Username: login.Username, Password: login.Password,
		Auth: base64.StdEncoding.EncodeToString([]byte(login.Username + ":" + login.Password)),
	}
	config := dockerConfig{Auths: map[string]dockerAuth{}}
	for _, host := range hosts {
		config.Auths[configKey(host)] = auth
	}
	return json.Marshal(config)
}

// configKey is the name under which docker and kubelets look a host up.
func configKey(host string) string {
	if ref.CanonicalHost(host) == ref.DockerHub {
		return authn.DefaultAuthKey
	}
	return host
}
