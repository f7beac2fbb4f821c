package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
)

// Loader owns the settings' flags and reads everything else into the same values. Use
// NewLoader; one Loader serves one run of the program.
type Loader struct {
	// File is the config file named by --config; empty means the usual places.
	File string

	config  Config
	flags   *pflag.FlagSet
	origins map[string]Origin
	files   []string
}

// NewLoader returns a Loader whose settings have their defaults.
func NewLoader() *Loader {
	l := &Loader{origins: map[string]Origin{}}
	l.flags = settings(&l.config)
	return l
}

// AddFlags gives a command's flag set the settings of some groups. A key that is no
// setting is a mistake in the program, and panics.
func (l *Loader) AddFlags(fs *pflag.FlagSet, groups ...[]string) {
	for _, group := range groups {
		for _, key := range group {
			flag := l.flags.Lookup(key)
			if flag == nil {
				panic("no setting " + key)
			}
			fs.AddFlag(flag)
		}
	}
}

// Load reads files and environment and returns the validated result. Warnings are for
// the user and no reason to stop. Errors are *exit.UsageError and never hold secrets.
func (l *Loader) Load(ctx context.Context) (cfg *Config, warnings []string, err error) {
	merged, layers, err := l.readFiles(ctx)
	if err != nil {
		return nil, nil, err
	}
	l.flags.VisitAll(func(flag *pflag.Flag) {
		if err == nil {
			err = l.resolve(flag, merged, layers)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	if err := l.config.validate(); err != nil {
		return nil, nil, &exit.UsageError{Err: err}
	}
	return &l.config, append(l.unknownVariables(os.Environ()), l.misnamedFiles()...), nil
}

// Files are the config files that Load has read, the weaker first.
func (l *Loader) Files() []string { return l.files }

// readFiles merges the config files; layers are the same files one by one.
func (l *Loader) readFiles(ctx context.Context) (merged *viper.Viper, layers []layer, err error) {
	names, err := l.fileNames()
	if err != nil {
		return nil, nil, err
	}
	merged = viper.New()
	for _, name := range names {
		next, err := l.readLayer(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		if err := merged.MergeConfigMap(next.values); err != nil {
			return nil, nil, &exit.UsageError{Err: fmt.Errorf("%s: %w", name, err)}
		}
		layers = append(layers, next)
		l.files = append(l.files, name)
	}
	return merged, layers, nil
}

// resolve gives one setting its value and remembers where that came from.
func (l *Loader) resolve(flag *pflag.Flag, merged *viper.Viper, layers []layer) error {
	variable := Variable(flag.Name)
	if err := merged.BindEnv(flag.Name, variable); err != nil {
		return err // only without a key
	}
	switch {
	case flag.Changed:
		l.origins[flag.Name] = Origin{Kind: FromFlag, Name: "--" + flag.Name}
		return nil
	case os.Getenv(variable) != "":
		l.origins[flag.Name] = Origin{Kind: FromEnvironment, Name: variable}
	case merged.Get(flag.Name) != nil: // "key:" without a value sets nothing
		l.origins[flag.Name] = Origin{Kind: FromFile, Name: definedIn(layers, flag.Name)}
	default:
		l.origins[flag.Name] = Origin{Kind: FromDefault}
		return nil
	}
	text := merged.GetString(flag.Name)
	err := flag.Value.Set(l.located(flag, text))
	if err != nil {
		origin := l.origins[flag.Name]
		return &exit.UsageError{Err: fmt.Errorf("%s: %w", origin.Prefix(flag.Name), Explain(flag, text, err))}
	}
	return nil
}

// located makes paths from a config file count from that file's folder.
func (l *Loader) located(flag *pflag.Flag, value string) string {
	origin := l.origins[flag.Name]
	if flag.Value.Type() != "file" || origin.Kind != FromFile || flag.Name == "lock" && value == NoLock {
		return value
	}
	if special, ok := flag.Value.(*special); ok && special.isWord(value) {
		return value
	}
	names := strings.Split(value, ",")
	for i, name := range names {
		if name = strings.TrimSpace(name); name != "" && !filepath.IsAbs(name) {
			names[i] = filepath.Join(filepath.Dir(origin.Name), name)
		}
	}
	return strings.Join(names, ",")
}

// Explain says in plain words why a setting refuses a value. It never repeats the value
// of a registry, which may hold a password.
func Explain(flag *pflag.Flag, value string, cause error) error {
	switch flag.Value.Type() {
	case "registry", "versions": // these name what they refuse
		return cause
	case "bool":
		cause = fmt.Errorf("must be true or false")
	case "duration":
		cause = fmt.Errorf("must be a time such as 30s or 5m")
	}
	if value == "" {
		return cause
	}
	return fmt.Errorf("%w, not %q", cause, value)
}
