package credentials

import (
	"maps"
	"slices"
	"strings"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// lookup asks one file, or the helper that it names. A key with a path is for that folder only,
// and has to stand in the file: helpers keep logins for whole registries. Docker's own code
// would take one for any folder as one for the registry.
func lookup(file *configfile.ConfigFile, key string) (types.AuthConfig, error) {
	if _, helped := file.CredentialHelpers[key]; isFolder(key) && !helped {
		return bare(folderEntry(file, key)), nil
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
	held, err := helperNamed(short).get(server)
	if err != nil {
		return types.AuthConfig{}, helperError(file, key, err)
	}
	found.Username, found.Password, found.IdentityToken = held.Username, held.Password, held.IdentityToken
	return bare(found), nil
}

// isFolder tells a folder in a registry from a registry and from an address of one.
func isFolder(key string) bool {
	host, _, found := strings.Cut(key, "/")
	return found && host != "" && !strings.Contains(key, "://")
}

// folderEntry is the login of a folder, or of what lies in it.
func folderEntry(file *configfile.ConfigFile, key string) types.AuthConfig {
	host, path, _ := strings.Cut(key, "/")
	for _, alias := range aliases(host) {
		for _, end := range []string{"", "/"} { // as people write it
			if found, ok := file.AuthConfigs[alias+"/"+path+end]; ok {
				return found
			}
		}
	}
	return types.AuthConfig{}
}

// hostEntry is the login of a registry as a whole.
func hostEntry(file *configfile.ConfigFile, key string) types.AuthConfig {
	for _, entry := range hostEntries(file, key) {
		return file.AuthConfigs[entry]
	}
	return types.AuthConfig{}
}

// hostEntries are the names of all entries for a registry as a whole: its name first, and the
// addresses that older versions of docker wrote.
func hostEntries(file *configfile.ConfigFile, key string) []string {
	var found []string
	if _, ok := file.AuthConfigs[key]; ok {
		found = append(found, key)
	}
	for _, entry := range slices.Sorted(maps.Keys(file.AuthConfigs)) {
		if entry != key && sameRegistry(entry, key) {
			found = append(found, entry)
		}
	}
	return found
}

// mentions tells whether a file has an entry for a registry, or for a folder in it.
func mentions(file *configfile.ConfigFile, key string) bool {
	for entry := range file.AuthConfigs {
		if sameRegistry(entry, key) || isFolder(entry) && sameRegistry(registryOf(entry), key) {
			return true
		}
	}
	return false
}

// sameRegistry tells whether an entry is for the registry of key as a whole.
func sameRegistry(entry, key string) bool {
	if !strings.Contains(entry, "://") {
		_, path, _ := strings.Cut(entry, "/")
		if version := strings.TrimSuffix(path, "/"); version != "" && version != "v1" && version != "v2" {
			return false
		}
	}
	return slices.Contains(aliases(registryOf(key)), registryOf(entry))
}

// registryOf is the registry that a key names, or an address.
func registryOf(key string) string {
	for _, scheme := range []string{"https://", "http://"} {
		key = strings.TrimPrefix(key, scheme)
	}
	host, _, _ := strings.Cut(key, "/")
	return host
}

// aliases are the names of a registry: docker's own has three.
func aliases(host string) []string {
	hub := []string{name.DefaultRegistry, "docker.io", "registry-1.docker.io"}
	if slices.Contains(hub, host) {
		return hub
	}
	return []string{host}
}

// serverKey is the name under which docker keeps a registry's login, and asks a helper for it.
func serverKey(host string) string {
	if !isFolder(host) && canonical(registryOf(host)) == name.DefaultRegistry {
		return authn.DefaultAuthKey
	}
	return host
}

// bare is a login without the address, which is always filled in: one that is missing is the
// zero value.
func bare(found types.AuthConfig) types.AuthConfig {
	found.ServerAddress = ""
	return found
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
