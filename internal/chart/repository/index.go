package repository

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// maxIndex bounds an index.yaml: the largest public ones have some 20 MiB.
const maxIndex = 48 << 20

// index is an index.yaml, as far as it is needed.
type index struct {
	Entries map[string][]*entry `json:"entries" yaml:"entries"`
}

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
	at := r.base.JoinPath("index.yaml")
	text, err := r.get(ctx, "fetching index", at, maxIndex, false)
	if err != nil {
		return nil, err
	}
	parsed, err := parseIndex(text)
	if err != nil {
		return nil, r.failure("reading index", shown(at), err)
	}
	r.index = parsed
	return parsed, nil
}

// parseIndex reads an index, which some write as JSON.
func parseIndex(text []byte) (*index, error) {
	parsed := new(index)
	decode := func() error { return yaml.Unmarshal(text, parsed) }
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		decode = func() error { return jsonlimit.Unmarshal(text, parsed) }
	}
	if err := decode(); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("it is no index of a chart repository: %s", first)
	}
	if parsed.Entries == nil {
		return nil, fmt.Errorf("it is no index of a chart repository: it has no entries")
	}
	return parsed, nil
}

// versions are the versions of a chart, the newest first.
func (i *index) versions(name string) ([]*entry, error) {
	entries := slices.DeleteFunc(slices.Clone(i.Entries[name]), func(e *entry) bool { return e == nil || e.Version == "" })
	if len(entries) == 0 {
		return nil, fmt.Errorf("%w: the index has no chart of that name", registry.ErrNotFound)
	}
	slices.SortStableFunc(entries, func(a, b *entry) int { return -compare(a.Version, b.Version) })
	return entries, nil
}

// find is the chart that is asked for: that very version, else the newest in a range; empty is
// the newest that is no preview, or the newest preview where there is nothing else.
func (i *index) find(name, version string) (*entry, error) {
	entries, err := i.versions(name)
	if err != nil {
		return nil, err
	}
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
