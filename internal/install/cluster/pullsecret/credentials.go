package pullsecret

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
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

// ParseCredentials reads USER:PASSWORD, or a docker config's JSON with an entry for host.
// White space around it does not count, for files end with a newline. Errors never repeat
// what they could not read.
func ParseCredentials(text, host string) (Credentials, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		return decodeDockerConfig([]byte(text), host)
	}
	username, password, ok := strings.Cut(text, ":")
	username = strings.TrimSpace(username)
	password, err := credentials.Clean(password)
	if !ok || username == "" || err != nil {
		return Credentials{}, &UnreadableError{Host: host}
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

// decodeDockerConfig finds the credentials for host in a pull secret's content, which may
// have been written by anybody. No entry gives an error that errors.Is ErrNoEntry.
func decodeDockerConfig(content []byte, host string) (Credentials, error) {
	var config dockerConfig
	if err := jsonlimit.Lenient(content, &config); err != nil {
		// The JSON error could quote a piece of a password.
		return Credentials{}, errors.New("it holds no docker config")
	}
	for key, auth := range config.Auths {
		if ref.CanonicalHost(hostOf(key)) == ref.CanonicalHost(host) {
			return CredentialsFrom(authn.AuthConfig{Username: auth.Username, Password: auth.Password, Auth: auth.Auth, IdentityToken: auth.Token})
		}
	}
	return Credentials{}, fmt.Errorf("%w for %s", ErrNoEntry, host)
}

// hostOf reads the keys of docker configs: HOST, https://HOST and https://HOST/v1/.
func hostOf(key string) string {
	_, rest, ok := strings.Cut(key, "://")
	if !ok {
		rest = key
	}
	host, _, _ := strings.Cut(rest, "/")
	return host
}
