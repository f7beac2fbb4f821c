package chart

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/heed"
	"github.com/pgrelocate/pgrelocate/internal/yamllimit"
)

// maxValues bounds a file with values, and one whose content is a value. Helm keeps a release with its values, packed,
// in a Secret of at most 1 MiB.
const maxValues = 2 << 20

// UserValues are what a user adds to the rewritten values, as helm's flags of the same
// names take them. The zero value adds nothing.
type UserValues struct {
	// Files are paths of YAML files; "-" is standard input.
	Files []string
	// Set, SetString, SetJSON and SetFile are KEY=VALUE; SetFile's values are names of files.
	Set, SetString, SetJSON, SetFile []string
}

// Over lays the user's values over base, which stays as it is. Files are read while ctx lasts: a pipe may be silent.
func (u UserValues) Over(ctx context.Context, base map[string]any) (map[string]any, error) {
	mine := map[string]any{}
	for _, file := range u.Files {
		next, err := readValues(ctx, file)
		if err != nil {
			return nil, err
		}
		mine = valuetree.Merge(next, mine)
	}
	if err := u.set(ctx, mine); err != nil {
		return nil, fmt.Errorf("reading your values: %w", err)
	}
	// Not helm's CoalesceTables, which drops a null before it has told helm to drop the chart's default.
	return Lay(mine, base), nil
}

// set sets what is KEY=VALUE, in helm's order.
func (u UserValues) set(ctx context.Context, mine map[string]any) error {
	content := func(name []rune) (any, error) {
		body, err := readFile(ctx, string(name))
		return string(body), err
	}
	for _, kind := range []struct {
		values []string
		parse  func(string, map[string]any) error
	}{
		{u.SetJSON, strvals.ParseJSON},
		{u.Set, strvals.ParseInto},
		{u.SetString, strvals.ParseIntoString},
		{u.SetFile, func(text string, into map[string]any) error { return strvals.ParseIntoFile(text, into, content) }},
	} {
		for _, text := range kind.values {
			if err := kind.parse(text, mine); err != nil {
				key, _, _ := strings.Cut(text, "=")
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return nil
}

// readValues reads a file with values, unless reading it would take many times its size.
func readValues(ctx context.Context, name string) (map[string]any, error) {
	text, err := readFile(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("values file: %w", err)
	}
	if err := yamllimit.Check(text); err != nil {
		return nil, fmt.Errorf("values file %s: %w", name, err)
	}
	values := map[string]any{}
	if err := yaml.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("values file %s: %w", name, err)
	}
	return values, nil
}

// readFile reads a file, or a pipe, on this machine: helm would fetch an address, and a file that turns out to be a
// page is a surprise.
func readFile(ctx context.Context, name string) ([]byte, error) {
	switch {
	case strings.Contains(name, "://"):
		return nil, fmt.Errorf("%s: only files on this machine are read", name)
	case strings.TrimSpace(name) != "-":
		return files.ReadSmall(ctx, name, maxValues)
	}
	body, err := heed.Call(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(os.Stdin, maxValues+1)) })
	if err == nil && len(body) > maxValues {
		err = fmt.Errorf("standard input: %w", files.ErrTooLarge)
	}
	return body, err
}

// Lay lays values over others, as helm lays one values file over another: what is null stays, to tell helm to drop
// a default. Both stay as they are, and the result shares nothing with them.
func Lay(over, under map[string]any) map[string]any {
	return valuetree.CopyValues(valuetree.Merge(over, under))
}

// FormatValues writes values as YAML.
func FormatValues(values map[string]any) ([]byte, error) { return yaml.Marshal(values) }
