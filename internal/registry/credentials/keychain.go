package credentials

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Keychain returns a keychain that presents given to host, where given is not zero, and
// looks every other login up in the config files. A login given for one registry is
// never sent to another. Without a login a registry is asked anonymously. What was found
// once is kept, for helpers may be slow. It is an authn.ContextKeychain too: whoever waits
// for a helper that hangs can end that with a context.
func Keychain(host string, given Login) authn.Keychain {
	return &keychain{host: host, given: given, places: sync.OnceValues(places), found: map[string]*answer{}}
}

type keychain struct {
	host   string
	given  Login
	places func() ([]*configfile.ConfigFile, error)
	asking sync.Mutex // one helper at a time: each may put a question to the user

	mu    sync.Mutex
	found map[string]*answer
}

// answer is what the search for one login comes to; it holds once known is closed.
type answer struct {
	known chan struct{}
	authn.Authenticator
	err error
}

// Resolve implements authn.Keychain.
func (k *keychain) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	found := k.begin(resource)
	<-found.known
	return found.Authenticator, found.err
}

// ResolveContext implements authn.ContextKeychain.
func (k *keychain) ResolveContext(ctx context.Context, resource authn.Resource) (authn.Authenticator, error) {
	found := k.begin(resource)
	select {
	case <-found.known:
		return found.Authenticator, found.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// begin searches beside the caller, for docker's code waits for a helper as long as it takes.
func (k *keychain) begin(resource authn.Resource) *answer {
	k.mu.Lock()
	defer k.mu.Unlock()
	if found := k.found[resource.String()]; found != nil {
		return found
	}
	found := &answer{known: make(chan struct{})}
	k.found[resource.String()] = found
	if !k.given.IsZero() && sameHost(resource.RegistryStr(), k.host) {
		found.Authenticator = k.given.Authenticator()
		close(found.known)
		return found
	}
	go func() {
		k.asking.Lock()
		defer k.asking.Unlock()
		found.Authenticator, found.err = k.search(resource)
		close(found.known)
	}()
	return found
}

// search looks into the files, and asks the helpers that they name. An entry for a folder of
// the registry goes before one for the registry as a whole, in whichever file it stands.
func (k *keychain) search(resource authn.Resource) (authn.Authenticator, error) {
	files, err := k.places()
	if err != nil {
		return nil, err
	}
	for _, key := range keys(resource) {
		for _, file := range files {
			found, err := lookup(file, key)
			if err != nil {
				return nil, err
			}
			if found != (types.AuthConfig{}) {
				return authenticator(found), nil
			}
		}
	}
	return authn.Anonymous, nil
}

// keys are the names under which a login may be kept, the most particular first: podman
// keeps logins for single folders of a registry too.
func keys(resource authn.Resource) []string {
	all := []string{resource.String()}
	for {
		last := all[len(all)-1]
		cut := strings.LastIndexByte(last, '/')
		if cut < 0 || last == resource.RegistryStr() {
			return all
		}
		all = append(all, last[:cut])
	}
}

// lookup asks one file, or the helper that it names. A key with a path is for that folder only,
// and has to stand in the file: helpers keep logins for whole registries. Docker's own code
// would take one for any folder as one for the registry.
func lookup(file *configfile.ConfigFile, key string) (types.AuthConfig, error) {
	_, helped := file.CredentialHelpers[key]
	host, _, isFolder := strings.Cut(key, "/")
	switch {
	case isFolder && host != "" && !helped && !strings.Contains(key, "://"):
		found, ok := file.AuthConfigs[key]
		if !ok {
			found = file.AuthConfigs[key+"/"] // as people write it
		}
		return bare(found), nil
	case !helped && file.CredentialsStore == "" && os.Getenv(configfile.DockerEnvConfigKey) == "":
		return bare(hostEntry(file, key)), nil
	}
	if os.Getenv(configfile.DockerEnvConfigKey) != "" { // it goes before every file
		found, err := configfile.New(file.Filename).GetAuthConfig(key)
		if found = bare(found); err != nil || found != (types.AuthConfig{}) {
			return found, err
		}
	}
	return ask(file, key)
}

// ask asks the helper that a file names for a key, and the file where it names none.
func ask(file *configfile.ConfigFile, key string) (types.AuthConfig, error) {
	found, server := hostEntry(file, key), serverKey(key)
	short := helperOf(file, server)
	if short == "" {
		return bare(found), nil
	}
	held, err := keeperNamed(short).get(server)
	if err != nil {
		return types.AuthConfig{}, helperError(file, key, err)
	}
	found.Username, found.Password, found.IdentityToken = held.Username, held.Password, held.IdentityToken
	return bare(found), nil
}

// hostEntry is the login of a registry as a whole: under its name, or under one of the
// addresses that older versions of docker wrote.
func hostEntry(file *configfile.ConfigFile, host string) types.AuthConfig {
	if found, ok := file.AuthConfigs[host]; ok {
		return found
	}
	for _, key := range slices.Sorted(maps.Keys(file.AuthConfigs)) {
		rest, scheme := strings.CutPrefix(key, "https://")
		if !scheme {
			rest, scheme = strings.CutPrefix(key, "http://")
		}
		name, path, _ := strings.Cut(rest, "/")
		whole := scheme || path == "" || strings.TrimSuffix(path, "/") == "v1" || strings.TrimSuffix(path, "/") == "v2"
		if whole && name == host {
			return file.AuthConfigs[key]
		}
	}
	return types.AuthConfig{}
}

// bare is a login without the address, which is always filled in: one that is missing is the
// zero value.
func bare(found types.AuthConfig) types.AuthConfig {
	found.ServerAddress = ""
	return found
}

// helperError says which helper failed, and where it is configured.
func helperError(file *configfile.ConfigFile, key string, err error) error {
	helper := helperOf(file, key)
	if helper == "" {
		return fmt.Errorf("credentials of %s in %s: %w", key, file.Filename, err)
	}
	if errors.Is(err, exec.ErrNotFound) || strings.Contains(err.Error(), exec.ErrNotFound.Error()) {
		return fmt.Errorf("credentials of %s: %s names the helper docker-credential-%s, which is not installed", key, file.Filename, helper)
	}
	return fmt.Errorf("credentials of %s from docker-credential-%s: %w", key, helper, discreet(err))
}

// discreet is a helper's failure without what it printed, if there is a login in that: docker's own code
// quotes it, and nobody else knows of that secret.
func discreet(err error) error {
	text := err.Error()
	if !strings.Contains(strings.ToLower(text), `"secret"`) {
		return err
	}
	what, _, _ := strings.Cut(text, ", out: ")
	if strings.Contains(strings.ToLower(what), `"secret"`) {
		what = "it failed"
	}
	return fmt.Errorf("%s; what it printed is not shown, for there is a secret in it", what)
}

// helperOf is the credential helper for a key; empty where logins stand in the file.
func helperOf(file *configfile.ConfigFile, key string) string {
	if helper, ok := file.CredentialHelpers[key]; ok {
		return helper
	}
	return file.CredentialsStore
}

func authenticator(found types.AuthConfig) authn.Authenticator {
	return authn.FromConfig(authn.AuthConfig{
		Username:      found.Username,
		Password:      found.Password,
		IdentityToken: found.IdentityToken,
		RegistryToken: found.RegistryToken,
	})
}

// sameHost compares registries as go-containerregistry names them: docker.io is
// index.docker.io.
func sameHost(a, b string) bool { return canonical(a) == canonical(b) }

func canonical(host string) string {
	if r, err := name.NewRegistry(host); err == nil {
		return r.RegistryStr()
	}
	return host
}
