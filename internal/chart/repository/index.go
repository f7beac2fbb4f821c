package repository

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// maxIndex bounds an index.yaml: the largest public ones have some 20 MiB.
const maxIndex = 48 << 20

// mostVersions is more versions than anybody keeps of a chart.
const mostVersions = 10_000

// index is an index.yaml. Of what it holds on all charts, which would take dozens of times its
// size in memory, only what it says of those that are asked for is ever built.
type index struct{ text []byte }

// entry is one version of a chart.
type entry struct {
	Version string   `json:"version" yaml:"version"`
	URLs    []string `json:"urls" yaml:"urls"`
	Digest  string   `json:"digest" yaml:"digest"`
}

// readIndex reads the index, once.
func (r *Repository) readIndex(ctx context.Context) (*index, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	if r.index != nil {
		return r.index, nil
	}
	text, err := r.get(ctx, "fetching index", r.base.JoinPath("index.yaml"), maxIndex, false)
	if err != nil {
		return nil, err
	}
	r.index = &index{text}
	return r.index, nil
}

// versionsOf are the versions of a chart, the newest first.
func (r *Repository) versionsOf(ctx context.Context, name string) ([]*entry, error) {
	index, err := r.readIndex(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := index.entries(ctx, name)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, r.failure("reading index", shown(r.base.JoinPath("index.yaml")), err)
	}
	entries = slices.DeleteFunc(entries, func(e *entry) bool { return e == nil || !isVersion(e.Version) })
	if len(entries) == 0 {
		return nil, r.failure("looking for chart", name, fmt.Errorf("%w: the index has no chart of that name", registry.ErrNotFound))
	}
	slices.SortStableFunc(entries, func(a, b *entry) int { return -compare(a.Version, b.Version) })
	return entries, nil
}

// isVersion tells whether a text can be a version: what it holds is shown to people, line by line.
func isVersion(text string) bool {
	return text != "" && len(text) <= 128 && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' })
}

// entries reads what an index says of one chart. Some are written as JSON.
func (i *index) entries(ctx context.Context, name string) (found []*entry, err error) {
	if bytes.HasPrefix(bytes.TrimLeft(i.text, " \t\r\n"), []byte("{")) {
		found, err = whole(i.text, name, jsonlimit.Unmarshal)
	} else {
		found, err = i.block(ctx, name)
	}
	switch {
	case err != nil:
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("it is no index of a chart repository: %s", first)
	case len(found) > mostVersions:
		return nil, tooMany(name)
	}
	return found, nil
}

func tooMany(name string) error {
	return fmt.Errorf("it has more than %d versions of %s", mostVersions, name)
}

// block reads the lines on one chart; an index in another layout is read whole, if it is small.
func (i *index) block(ctx context.Context, name string) ([]*entry, error) {
	var found []*entry
	err := eachItem(i.text, name, func(item []byte) error {
		if len(found) == mostVersions {
			return tooMany(name)
		}
		var parsed []*entry
		if err := yaml.Unmarshal(item, &parsed); err != nil {
			return errLayout
		}
		found = append(found, parsed...)
		return ctx.Err()
	})
	if !errors.Is(err, errLayout) {
		return found, err
	}
	if len(i.text) > mostUnusual {
		return nil, fmt.Errorf("%w, and it is larger than %d KiB", err, mostUnusual>>10)
	}
	return whole(i.text, name, yaml.Unmarshal)
}

// whole reads all of an index at once.
func whole(text []byte, name string, unmarshal func([]byte, any) error) ([]*entry, error) {
	var all struct {
		Entries map[string][]*entry `json:"entries" yaml:"entries"`
	}
	if err := unmarshal(text, &all); err != nil {
		return nil, err
	}
	if all.Entries == nil {
		return nil, errNoEntries
	}
	return all.Entries[name], nil
}

// find is the chart that is asked for: that very version, else the newest in a range; empty is
// the newest that is no preview, or the newest preview where there is nothing else.
func find(entries []*entry, version string) (*entry, error) {
	for _, entry := range entries {
		if entry.Version == version {
			return entry, nil
		}
	}
	wanted, err := semver.NewConstraint(cmp.Or(version, "*"))
	if err != nil {
		return nil, fmt.Errorf("%w: the index has no version %q of it", registry.ErrNotFound, version)
	}
	for _, entry := range entries {
		if parsed, err := semver.NewVersion(entry.Version); err == nil && wanted.Check(parsed) {
			return entry, nil
		}
	}
	if version == "" {
		return entries[0], nil
	}
	return nil, fmt.Errorf("%w: the index has no version %q of it; its newest is %s", registry.ErrNotFound, version, entries[0].Version)
}

// compare orders versions; what is none by Semantic Versioning comes before all that are.
func compare(a, b string) int {
	left, errLeft := semver.NewVersion(a)
	right, errRight := semver.NewVersion(b)
	switch {
	case errLeft != nil && errRight != nil:
		return strings.Compare(a, b)
	case errLeft != nil:
		return -1
	case errRight != nil:
		return 1
	default:
		return left.Compare(right)
	}
}
