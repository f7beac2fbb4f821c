package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/versions/document"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// FileVariable names the config file where --config does not.
const FileVariable = "PGRELOCATE_CONFIG"

// LocalFile is the config file of a working directory, which beats the user's own.
const LocalFile = "pgrelocate.yaml"

// layer is one config file.
type layer struct {
	name   string
	values map[string]any
}

// fileNames lists the config files that there are, the weaker first. One that is named
// must exist; those in the usual places need not.
func (l *Loader) fileNames() ([]string, error) {
	if named := l.named(); named != "" {
		return []string{named}, nil
	}
	var found []string
	for _, name := range []string{UserFile(), LocalFile} {
		if name == "" {
			continue
		}
		switch _, err := os.Stat(name); {
		case err == nil:
			found = append(found, name)
		case !errors.Is(err, os.ErrNotExist):
			return nil, &exit.UsageError{Err: fmt.Errorf("config file: %w", err)}
		}
	}
	return found, nil
}

// named is the config file that the user has named; empty where that is none.
func (l *Loader) named() string { return cmp.Or(l.File, os.Getenv(FileVariable)) }

// misnamedFiles warns of files that look like config files and are not read.
func (l *Loader) misnamedFiles() []string {
	if l.named() != "" {
		return nil
	}
	var warnings []string
	for _, name := range []string{UserFile(), LocalFile} {
		misnamed := strings.TrimSuffix(name, ".yaml") + ".yml"
		if _, err := os.Stat(misnamed); name != "" && err == nil {
			warnings = append(warnings, fmt.Sprintf("%s is not read: call it %s", misnamed, filepath.Base(name)))
		}
	}
	return warnings
}

// UserFile is where the user's own config file belongs: pgrelocate/config.yaml below
// $XDG_CONFIG_HOME, or where the system keeps such files. It is empty where there is no
// home directory.
func UserFile() string {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // a relative one is to be ignored, says the XDG specification
		dir = usualFolder()
	}
	if !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, "pgrelocate", "config.yaml")
}

// usualFolder is where the system keeps settings; empty where that is not known.
func usualFolder() string {
	dir, err := os.UserHomeDir()
	dir = filepath.Join(dir, ".config")
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		dir, err = os.UserConfigDir()
	}
	if err != nil {
		return ""
	}
	return dir
}

// What is more than any settings or any authorities take, in bytes. Settings are YAML, which takes many
// times its size in memory, and a file of them is read that nobody has named.
const (
	longestFile = 1 << 20
	longestPEM  = 16 << 20
)

// readLayer reads a config file. One that is named may be a pipe; others are found by anybody's
// putting them there.
func (l *Loader) readLayer(ctx context.Context, name string) (layer, error) {
	read := func() ([]byte, error) { return files.ReadRegular(name, longestFile) }
	if name == l.named() {
		read = func() ([]byte, error) { return files.ReadSmall(ctx, name, longestFile) }
	}
	known := l.Keys()
	data, err := read()
	if ctx.Err() != nil {
		return layer{}, context.Cause(ctx)
	}
	if err != nil {
		return layer{}, &exit.UsageError{Err: fmt.Errorf("config file: %w", err)}
	}
	values, problem := parse(data, known)
	if problem != nil {
		problem.Err = fmt.Errorf("%s%w", name, problem.Err)
		return layer{}, problem
	}
	return layer{name: name, values: values}, nil
}

// parse reads a config file. Its errors begin with ":LINE: " or ": ", to follow the
// file's name. Values keep the text they have in the file, for YAML would read the
// version 13.20 as the number 13.2.
func parse(data []byte, known []string) (map[string]any, *exit.UsageError) {
	values := map[string]any{}
	root, err := document.Root(data)
	if errors.Is(err, document.ErrEmpty) {
		return values, nil
	}
	if err == nil {
		err = document.Check(root, shapeOf(known))
	}
	if err != nil {
		return nil, explainDocument(err, known)
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if err := parseLine(values, root.Content[i], root.Content[i+1]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func shapeOf(known []string) *document.Shape {
	shape := &document.Shape{Keys: map[string]*document.Shape{}, AnyCase: true}
	for _, key := range known {
		shape.Keys[key] = nil
	}
	return shape
}

func explainDocument(err error, known []string) *exit.UsageError {
	var kind *document.KindError
	var stray *document.UnknownKeyError
	switch {
	case errors.As(err, &kind):
		return exit.Usagef(":%d: must hold lines of the form \"key: value\"", kind.Line)
	case errors.As(err, &stray):
		return unknownKey(stray, known)
	default:
		return exit.Usagef(": %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
}

// parseLine adds one key to values.
func parseLine(values map[string]any, key, value *yaml.Node) *exit.UsageError {
	name := strings.ToLower(key.Value)
	if _, twice := values[name]; twice {
		return exit.Usagef(":%d: %s stands here for the second time", key.Line, name)
	}
	text, ok := textOf(value)
	if !ok {
		return exit.Usagef(":%d: %s must be a single value or a list of such", value.Line, name)
	}
	values[name] = text
	return nil
}

// textOf is a value's text, or that of the items of a list with commas between them; nil
// where there is none.
func textOf(value *yaml.Node) (text any, ok bool) {
	switch {
	case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
		return nil, true
	case value.Kind == yaml.ScalarNode:
		return value.Value, true
	case value.Kind != yaml.SequenceNode:
		return nil, false
	}
	var items []string
	for _, item := range value.Content {
		if item.Kind != yaml.ScalarNode {
			return nil, false
		}
		items = append(items, item.Value)
	}
	return strings.Join(items, ","), true
}

func unknownKey(stray *document.UnknownKeyError, known []string) *exit.UsageError {
	err := exit.Usagef(":%d: unknown key %q", stray.Line, stray.Key)
	nearest := suggest.Nearest(stray.Key, known)
	if secretive(stray.Key) && !secretive(nearest) {
		return err.WithHint("credentials are never read from a config file; use `pgrelocate login` or the environment (docs/configuration.md)")
	}
	if nearest != "" {
		return exit.Usagef(":%d: unknown key %q; did you mean %q?", stray.Line, stray.Key, nearest)
	}
	return err.WithHint("known keys: %s", strings.Join(known, ", "))
}

func secretive(key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc([]string{"password", "passwd", "username", "token", "secret", "credential"}, func(word string) bool {
		return strings.Contains(key, word)
	})
}
