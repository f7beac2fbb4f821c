package ref

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The grammar is the distribution specification's. The name package is laxer about
// paths and tags, and reads a host without a dot as a user of Docker Hub.
var (
	pathPattern = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagPattern  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`) // and no longer than longestTag
	hostPattern = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]+)?$`)
)

// longestName bounds what is looked at, and quoted back, of a reference.
const longestName = 1024

// longestTag is how many characters a tag has at most. It is counted, and no part of the pattern,
// because to compile a pattern that counts to 128 would be the longest step of our own at each
// start of the program.
const longestTag = 128

// longestPath is how many characters a repository has at most, as the name package has it.
const longestPath = 255

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
		return fmt.Errorf("the host is not in lower case; write %s", Quote(strings.ToLower(host)))
	case !hostPattern.MatchString(host):
		return fmt.Errorf("%s is no host", Quote(host))
	case host != "localhost" && !strings.ContainsAny(host, ".:"):
		return fmt.Errorf("other tools look for %s on Docker Hub; write the host with its domain or port, such as %s:443", host, host)
	}
	if _, err := name.NewRegistry(host, name.StrictValidation); err != nil {
		return fmt.Errorf("%s is no host", Quote(host))
	}
	if _, port, found := strings.Cut(host[strings.LastIndexByte(host, ']')+1:], ":"); found {
		return checkPort(port)
	}
	return nil
}

// checkPort wants a port that something can listen on.
func checkPort(port string) error {
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%s is no port; they go from 1 to 65535", Quote(port))
	}
	return nil
}

// CheckRepository accepts a repository below host; an empty host stands for any.
func CheckRepository(host, path string) error {
	if path == "" {
		return errors.New("the repository is missing")
	}
	if err := checkFolder(path); err != nil {
		return err
	}
	if isDockerHub(host) && !strings.Contains(path, "/") {
		return fmt.Errorf("no repository of Docker Hub is outside a namespace; write %s/library/%s or %s/NAMESPACE/%s", host, path, host, path)
	}
	return nil
}

// checkFolder accepts what repositories may be below, and their own paths.
func checkFolder(path string) error {
	switch {
	case path != strings.ToLower(path):
		return fmt.Errorf("a repository is in lower case; write %s", Quote(strings.ToLower(path)))
	case !pathPattern.MatchString(path):
		return fmt.Errorf("%s is no repository", Quote(path))
	case len(path) > longestPath:
		return fmt.Errorf("%s is no repository; it is longer than %d characters", Quote(path), longestPath)
	}
	return nil
}

// isDockerHub knows Docker Hub by each of the names that the name package turns into one.
func isDockerHub(host string) bool {
	return host == "docker.io" || host == name.DefaultRegistry
}

// IsTag tells whether tag is one by the distribution specification's grammar, and so may stand
// in an address: it holds no slash, no space and no control character.
func IsTag(tag string) bool { return len(tag) <= longestTag && tagPattern.MatchString(tag) }

// CheckTag accepts a tag by the distribution specification's grammar.
func CheckTag(tag string) error {
	if !IsTag(tag) {
		return fmt.Errorf("%s is no tag", Quote(tag))
	}
	return nil
}

func checkDigest(digest string) error {
	if _, err := v1.NewHash(digest); err != nil {
		return fmt.Errorf("%s is no digest; write sha256: and 64 hexadecimal digits", Quote(digest))
	}
	return nil
}
