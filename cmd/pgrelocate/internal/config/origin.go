package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// Kind says from what sort of place a value came.
type Kind string

// The places from which values come, the weakest first.
const (
	FromDefault     Kind = "default"
	FromFile        Kind = "file"
	FromEnvironment Kind = "environment"
	FromFlag        Kind = "flag"
)

// Origin is where a value came from.
type Origin struct {
	Kind Kind
	// Name is the flag, the variable or the file; empty for a default.
	Name string
}

// String is the origin for people: "flag --jobs", "default".
func (o Origin) String() string {
	if o.Name == "" {
		return string(o.Kind)
	}
	return string(o.Kind) + " " + o.Name
}

// Prefix opens a message about a setting's value that came from there.
func (o Origin) Prefix(key string) string {
	if o.Kind == FromFile {
		return o.Name + ": " + key
	}
	return o.Name
}

// Value is one setting with its value, as text, and its origin.
type Value struct {
	Key    string
	Text   string
	Origin Origin
}

// Values returns all settings as Load left them, in the order of the documentation.
func (l *Loader) Values() []Value {
	var values []Value
	l.flags.VisitAll(func(flag *pflag.Flag) {
		values = append(values, Value{Key: flag.Name, Text: flag.Value.String(), Origin: l.origins[flag.Name]})
	})
	return values
}

// Keys returns the names of all settings, in the order of the documentation.
func (l *Loader) Keys() []string {
	var keys []string
	l.flags.VisitAll(func(flag *pflag.Flag) { keys = append(keys, flag.Name) })
	return keys
}

// Variable is the environment variable of a setting: PGRELOCATE_CA_FILE for ca-file.
func Variable(key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
}

const prefix = "PGRELOCATE_"

// Credentials are the environment variables that hold credentials. They are read where
// they are used, by credentials.Variable, for main withholds them from programs that this one starts; and nothing
// ever shows their values.
var Credentials = []string{
	"PGRELOCATE_SOURCE_USERNAME", "PGRELOCATE_SOURCE_PASSWORD",
	"PGRELOCATE_REGISTRY_USERNAME", "PGRELOCATE_REGISTRY_PASSWORD",
	"PGRELOCATE_PULL_USERNAME", "PGRELOCATE_PULL_PASSWORD",
	"PGRELOCATE_SIGNING_PASSWORD",
}

// MayHoldAddress tells whether an environment variable is one that is read for addresses: a
// setting's, or a proxy's.
func MayHoldAddress(name string) bool {
	return strings.HasPrefix(name, prefix) || strings.HasSuffix(strings.ToUpper(name), "_PROXY")
}

// ignored are variables with our prefix that are meant for the project's tests.
var ignored = []string{"PGRELOCATE_REQUIRE_REAL"}

// unknownVariables warns of PGRELOCATE_ variables that nothing reads: a typing mistake
// there would otherwise change nothing and say nothing.
func (l *Loader) unknownVariables(environ []string) []string {
	var known []string
	for _, key := range l.Keys() {
		known = append(known, strings.TrimPrefix(Variable(key), prefix))
	}
	for _, name := range append([]string{FileVariable}, Credentials...) {
		known = append(known, strings.TrimPrefix(name, prefix))
	}
	var warnings []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		word, ours := strings.CutPrefix(name, prefix)
		if !ours || value == "" || slices.Contains(known, word) || slices.Contains(ignored, name) {
			continue
		}
		warning := fmt.Sprintf("the environment variable %s means nothing to pgrelocate", name)
		if nearest := suggest.Nearest(word, known); nearest != "" {
			warning += fmt.Sprintf("; did you mean %s?", prefix+nearest)
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}

// CredentialsFrom tells which of the variables with the credentials of a side, "source",
// "registry" or "pull", are set, without reading more than that.
func CredentialsFrom(side string) []string {
	var set []string
	for _, name := range []string{Variable(side) + "_USERNAME", PasswordVariable(side)} {
		if credentials.Variable(name) != "" {
			set = append(set, name)
		}
	}
	return set
}

// PasswordVariable is the environment variable with the password of a side.
func PasswordVariable(side string) string { return Variable(side) + "_PASSWORD" }

// definedIn is the strongest file that sets key.
func definedIn(layers []layer, key string) string {
	for _, l := range slices.Backward(layers) {
		if l.values[key] != nil {
			return l.name
		}
	}
	return ""
}

// Entry documents one setting.
type Entry struct {
	Key      string
	Variable string
	Default  string
	Usage    string
}

// Reference documents every setting, in the order in which they should be read.
func Reference() []Entry {
	var entries []Entry
	settings(&Config{}).VisitAll(func(flag *pflag.Flag) {
		_, usage := pflag.UnquoteUsage(flag)
		entries = append(entries, Entry{Key: flag.Name, Variable: Variable(flag.Name), Default: flag.DefValue, Usage: usage})
	})
	return entries
}

// Trusting are the settings that decide where content and logins go, what is written on this
// machine, whom to trust, and whether signatures arrive with what they sign, and still hold of it.
var Trusting = slices.Concat([]string{"catalogue", "source", "registry", "source-plain-http", "plain-http", "ca-file", "on-conflict", "lock", "state-dir", "signatures", "index", "events", "metrics", "summary", "junit", "status"}, Admission)

// TrustingCluster are the settings that decide where in which cluster something is changed, and
// who gets the pull secret.
var TrustingCluster = slices.Concat(Access, Place, PullSecret, InstanceNamespaces)

// FromFolder are those of Trusting and TrustingCluster that cfg, which Load returned, has from the file in the
// working directory, where nobody has named that file: whoever wrote what is checked out there
// chose them, and perhaps not the user. It is empty for every other Config.
func (l *Loader) FromFolder(cfg *Config) []string {
	if cfg != &l.config || l.named() != "" {
		return nil
	}
	var keys []string
	for _, key := range slices.Concat(Trusting, TrustingCluster) {
		if origin := l.origins[key]; origin.Kind == FromFile && origin.Name == LocalFile {
			keys = append(keys, key)
		}
	}
	return keys
}
