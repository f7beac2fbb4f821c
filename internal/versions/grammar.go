package versions

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The grammar is the distribution specification's. The name package is laxer about
// paths and tags, and reads a host without a dot as a user of Docker Hub.
var (
	pathPattern = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagPattern  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	hostPattern = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$`)
)

// longestName bounds what is looked at, and quoted back, of a reference.
const longestName = 1024

// checkSpelling finds the mistakes that people make in every kind of reference, and
// gives each a message of its own. What stands before an "@" is never repeated, for it
// may be a password.
func checkSpelling(s string) error {
	switch {
	case s == "":
		return errors.New("it is empty")
	case len(s) > longestName:
		return fmt.Errorf("it is longer than %d characters", longestName)
	case strings.Contains(s, "://"):
		return errors.New(`it starts with a scheme such as "https://"; leave that out`)
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return errors.New("it contains a space or a control character")
	case strings.Contains(s, "//"):
		return errors.New("it contains an empty path element")
	}
	return nil
}

// checkHost accepts what every tool takes for a registry.
func checkHost(host string) error {
	switch {
	case host == "":
		return errors.New("the host is missing")
	case host != strings.ToLower(host):
		return fmt.Errorf("the host is not in lower case; write %s", quoted(strings.ToLower(host)))
	case !hostPattern.MatchString(host):
		return fmt.Errorf("%s is no host", quoted(host))
	case host != "localhost" && !strings.ContainsAny(host, ".:"):
		return fmt.Errorf("other tools look for %s on Docker Hub; write the host with its domain or port, such as %s:443", host, host)
	}
	if _, err := name.NewRegistry(host, name.StrictValidation); err != nil {
		return fmt.Errorf("%s is no host", quoted(host))
	}
	return nil
}

// checkPath accepts a repository below host; an empty host stands for any.
func checkPath(host, path string) error {
	switch {
	case path == "":
		return errors.New("the repository is missing")
	case path != strings.ToLower(path):
		return fmt.Errorf("a repository is in lower case; write %s", quoted(strings.ToLower(path)))
	case !pathPattern.MatchString(path):
		return fmt.Errorf("%s is no repository", quoted(path))
	}
	if host == "" {
		host = "registry.example.com"
	}
	if _, err := name.NewRepository(host+"/"+path, name.StrictValidation); err != nil {
		return fmt.Errorf("%s is no repository; it is longer than 255 characters", quoted(path))
	}
	return nil
}

func checkTag(tag string) error {
	if !tagPattern.MatchString(tag) {
		return fmt.Errorf("%s is no tag", quoted(tag))
	}
	return nil
}

func checkDigest(digest string) error {
	if _, err := v1.NewHash(digest); err != nil {
		return fmt.Errorf("%s is no digest; write sha256: and 64 hexadecimal digits", quoted(digest))
	}
	return nil
}
