package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// registries are registries or folders in them, the first of which is by itself. What is set later is
// added.
type registries struct {
	first  *ref.Folder
	others *[]ref.Folder
	none   bool // an empty name has come
}

// errOneEmpty is what an unset variable in a script comes to: "--registry $EAST --registry $WEST".
var errOneEmpty = errors.New("of several registries one is empty")

func (r *registries) Set(s string) error {
	if r.none || s == "" && !r.first.IsZero() {
		return errOneEmpty
	}
	if s == "" { // none, against a file that names one
		r.none = true
		return nil
	}
	for item := range strings.SplitSeq(s, ",") {
		parsed, err := ref.ParseFolder(strings.TrimSpace(item))
		if err != nil {
			return err
		}
		if r.first.IsZero() {
			*r.first = parsed
		} else {
			*r.others = append(*r.others, parsed)
		}
	}
	return nil
}

func (r *registries) String() string {
	all := []string{r.first.String()}
	for _, other := range *r.others {
		all = append(all, other.String())
	}
	return strings.Join(all, ",")
}
func (r *registries) Type() string { return "registry" }

// checkRegistries refuses to name one registry twice.
func (c *Config) checkRegistries() error {
	all := c.Registries()
	for i, one := range all {
		if slices.ContainsFunc(all[:i], func(other ref.Folder) bool { return SameFolder(one, other) }) {
			return fmt.Errorf("registry: %s is named twice", one)
		}
	}
	return nil
}

// SameFolder tells whether two names are of one folder: the port of HTTPS need not be named.
func SameFolder(a, b ref.Folder) bool {
	return SameHost(a.Host, b.Host) && a.Path == b.Path
}

// SameHost tells whether two names are of one registry.
func SameHost(a, b string) bool { return CanonicalHost(a) == CanonicalHost(b) }

// CanonicalHost is the one name of a registry that has several.
func CanonicalHost(host string) string { return ref.CanonicalHost(strings.TrimSuffix(host, ":443")) }

// FileOf is the file for one of several registries where a file is named for all of them: its name
// with the registry's before the ending. No two registries have the same.
func FileOf(path string, of ref.Folder) string {
	ending := filepath.Ext(path)
	// Hosts have no underscore, and nothing that a registry's name has is a plus.
	name := strings.ReplaceAll(of.Host, ":", "_")
	if of.Path != "" {
		name += "+" + strings.ReplaceAll(of.Path, "/", "+")
	}
	return strings.TrimSuffix(path, ending) + "." + name + ending
}
