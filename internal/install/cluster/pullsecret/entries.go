package pullsecret

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Kubelets find the login for an image in docker's configuration by rules of their own: an entry may be for a folder,
// r.example.com/team, the longest one counts, and a star stands for one part of a host's name, *.example.com.

// decodeDockerConfig finds the credentials for HOST, or HOST/REPOSITORY, in a pull secret's content, which may
// have been written by anybody. No entry gives an error that errors.Is ErrNoEntry.
func decodeDockerConfig(content []byte, at string) (Credentials, error) {
	var config dockerConfig
	if err := jsonlimit.Lenient(content, &config); err != nil {
		return Credentials{}, errNoConfig
	}
	return config.find(at)
}

// decodeLegacy is the same for the content of a secret of the older type, kubernetes.io/dockercfg.
func decodeLegacy(content []byte, at string) (Credentials, error) {
	var config dockerConfig
	if err := jsonlimit.Lenient(content, &config.Auths); err != nil {
		return Credentials{}, errNoConfig
	}
	return config.find(at)
}

// errNoConfig stands for the JSON error, which could quote a piece of a password.
var errNoConfig = errors.New("it holds no docker config")

func (c dockerConfig) find(at string) (Credentials, error) {
	host, repository, _ := strings.Cut(at, "/")
	best, found, about := entry{}, false, host
	for _, key := range slices.Sorted(maps.Keys(c.Auths)) {
		each := entryOf(key)
		if each.covers(host, "") {
			about = at
		}
		if each.covers(host, repository) && (!found || each.goesBefore(best, repository)) {
			best, found = each, true
		}
	}
	if !found {
		return Credentials{}, fmt.Errorf("%w for %s", ErrNoEntry, about)
	}
	auth := c.Auths[best.key]
	return CredentialsFrom(authn.AuthConfig{Username: auth.Username, Password: auth.Password, Auth: auth.Auth, IdentityToken: auth.Token})
}

// entry is what an entry of a docker config is for.
type entry struct{ key, host, folder string }

// entryOf reads the keys of docker configs: HOST, HOST/FOLDER, https://HOST and https://HOST/v1/.
func entryOf(key string) entry {
	_, rest, hasScheme := strings.Cut(key, "://")
	if !hasScheme {
		rest = key
	}
	host, folder, _ := strings.Cut(rest, "/")
	for _, version := range []string{"v1", "v2"} {
		if folder == version {
			folder = ""
		}
		folder = strings.TrimPrefix(folder, version+"/")
	}
	return entry{key: key, host: host, folder: folder}
}

// covers tells whether an entry is for a repository; of a host alone every entry of that host is.
func (e entry) covers(host, repository string) bool {
	isHost := ref.CanonicalHost(e.host) == ref.CanonicalHost(host) || isGlobOf(e.host, host)
	return isHost && (repository == "" || strings.HasPrefix(repository, e.folder))
}

// goesBefore tells which of two entries counts: for a repository the longer folder, for a host alone the shorter;
// and a host that is spelled out.
func (e entry) goesBefore(other entry, repository string) bool {
	if len(e.folder) != len(other.folder) {
		return (len(e.folder) > len(other.folder)) == (repository != "")
	}
	return !strings.Contains(e.host, "*") && strings.Contains(other.host, "*")
}

// isGlobOf tells whether the parts of a host's name match those of a pattern, one by one.
func isGlobOf(pattern, host string) bool {
	pattern, patternPort, _ := strings.Cut(pattern, ":")
	host, port, _ := strings.Cut(host, ":")
	wanted, parts := strings.Split(pattern, "."), strings.Split(host, ".")
	if !strings.Contains(pattern, "*") || port != patternPort || len(wanted) != len(parts) {
		return false
	}
	for i := range parts {
		if matches, err := path.Match(wanted[i], parts[i]); err != nil || !matches {
			return false
		}
	}
	return true
}

// hostOf is the host of HOST/REPOSITORY.
func hostOf(at string) string {
	host, _, _ := strings.Cut(at, "/")
	return host
}
