package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
)

// The types below are pflag.Values, so that a flag, an environment variable and a line
// of a config file are parsed by the same code and refused in the same words.

// list is a comma-separated list of words, each once. What is set first replaces the default, what
// is set after it is added: --editions full --editions lite.
type list[T ~string] struct {
	target *[]T
	kind   string
	set    bool
}

func newList[T ~string](target *[]T, value ...T) *list[T] {
	*target = value
	return &list[T]{target: target, kind: "list"}
}

// newFiles is a list of file names; see located.
func newFiles(target *[]string) *list[string] {
	return &list[string]{target: target, kind: "file"}
}

func (l *list[T]) Set(s string) error {
	if !l.set {
		*l.target, l.set = nil, true
	}
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" && !slices.Contains(*l.target, T(item)) {
			*l.target = append(*l.target, T(item))
		}
	}
	return nil
}

func (l *list[T]) String() string { return words(*l.target, ",") }
func (l *list[T]) Type() string   { return l.kind }

// words joins words.
func words[T ~string](all []T, separator string) string {
	texts := make([]string, len(all))
	for i, word := range all {
		texts[i] = string(word)
	}
	return strings.Join(texts, separator)
}

// expression selects PostgreSQL versions; what is set later is added.
type expression struct {
	target *postgres.Expression
	set    bool
}

func (e *expression) Set(s string) error {
	if e.set {
		s = e.target.String() + "," + s
	}
	parsed, err := postgres.ParseExpression(s)
	if err != nil {
		return err
	}
	*e.target, e.set = parsed, true
	return nil
}

func (e *expression) String() string { return e.target.String() }
func (e *expression) Type() string   { return "versions" }

// choice is one of a few words, the first of which is the default.
type choice[T ~string] struct {
	target *T
	words  []T
}

func newChoice[T ~string](target *T, words ...T) *choice[T] {
	*target = words[0]
	return &choice[T]{target: target, words: words}
}

func (c *choice[T]) Set(s string) error {
	if !slices.Contains(c.words, T(s)) {
		return fmt.Errorf("must be one of %s", words(c.words, ", "))
	}
	*c.target = T(s)
	return nil
}

func (c *choice[T]) String() string { return string(*c.target) }
func (c *choice[T]) Type() string   { return "choice" }

// number is a whole number within bounds.
type number struct {
	target   *int
	min, max int
}

func newNumber(target *int, value, lowest, highest int) *number {
	*target = value
	return &number{target: target, min: lowest, max: highest}
}

func (n *number) Set(s string) error {
	value, err := strconv.Atoi(s)
	if err != nil || value < n.min || value > n.max {
		return fmt.Errorf("must be a whole number from %d to %d", n.min, n.max)
	}
	*n.target = value
	return nil
}

func (n *number) String() string { return strconv.Itoa(*n.target) }
func (n *number) Type() string   { return "number" }

// rate is bytes a second: 50MiB, 50MB, 50MiB/s, 0.
type rate int64

func (r *rate) Set(s string) error {
	bytes, err := humanize.ParseBytes(strings.TrimSuffix(s, "/s"))
	if err != nil || bytes > 1<<50 {
		return errors.New("must be a size such as 50MiB")
	}
	*r = rate(bytes)
	return nil
}

func (r *rate) String() string {
	if *r == 0 {
		return "0"
	}
	return strings.ReplaceAll(output.Bytes(int64(*r)), " ", "")
}
func (r *rate) Type() string { return "size" }

// newSize is a number of bytes.
func newSize(target *int64, value int64) *rate {
	*target = value
	return (*rate)(target)
}

// platforms are OS/ARCHITECTURE[/VARIANT], with commas between them.
type platforms struct {
	target *[]v1.Platform
	set    bool
}

func (p *platforms) Set(s string) error {
	if !p.set {
		*p.target, p.set = nil, true
	}
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		parsed, err := v1.ParsePlatform(item)
		if err != nil || parsed.OS == "" || parsed.Architecture == "" {
			return errors.New("must be OS/ARCHITECTURE[/VARIANT], such as linux/amd64")
		}
		*p.target = append(*p.target, *parsed)
	}
	return nil
}

func (p *platforms) String() string {
	names := make([]string, len(*p.target))
	for i, platform := range *p.target {
		names[i] = platform.String()
	}
	return strings.Join(names, ",")
}
func (p *platforms) Type() string { return "list" }

// path is a file's name. In a config file it counts from that file's folder.
type path string

func (p *path) Set(s string) error { *p = path(s); return nil }
func (p *path) String() string     { return string(*p) }
func (p *path) Type() string       { return "file" }
