package credentials

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
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
	for _, entry := range slices.Sorted(maps.Keys(file.CredentialHelpers)) {
		if !isFolder(key) && sameRegistry(entry, key) {
			return file.CredentialHelpers[entry]
		}
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
