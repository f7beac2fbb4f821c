// Package template has names with placeholders, "v{version}-{release}", and trees of values whose
// texts have such: filled in, and for names read backwards.
package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// Template is a name with placeholders, "v{version}{edition}-{release}".
type Template string

// Blanks are the texts that stand in a template's placeholders, by their names.
type Blanks map[string]string

// With is blanks with more, which take the place of others.
func (b Blanks) With(more Blanks) Blanks {
	all := maps.Clone(b)
	maps.Copy(all, more)
	return all
}

// OfVersion are the placeholders of a PostgreSQL version.
func OfVersion(v postgres.Version) Blanks {
	return Blanks{"version": v.String(), "major": fmt.Sprint(v.Major), "minor": fmt.Sprint(v.Minor)}
}

// patterns find again in a tag what stood in a placeholder; others are words.
var patterns = map[string]string{
	"release": `v?[0-9]+(?:\.[0-9]+){1,2}(?:-[0-9A-Za-z.-]+)?(?:_[0-9A-Za-z.-]+)?`,
	"version": `[1-9][0-9]{0,3}\.(?:0|[1-9][0-9]{0,3})`,
	"major":   `[1-9][0-9]{0,3}`,
	"minor":   `0|[1-9][0-9]{0,3}`,
}

const anyWord = `[0-9A-Za-z.]+`

var placeholderPattern = regexp.MustCompile(`\{[^{}]*\}`)

// Check finds placeholders that do not exist or that make no sense where the template
// stands.
func (t Template) Check(allowed ...string) error {
	for _, found := range placeholderPattern.FindAllString(string(t), -1) {
		if word := strings.Trim(found, "{}"); !slices.Contains(allowed, word) {
			return suggest.Unknown(found, "a placeholder here", braced(allowed))
		}
	}
	if rest := placeholderPattern.ReplaceAllString(string(t), ""); strings.ContainsAny(rest, "{}") {
		return fmt.Errorf("%s has a brace without its partner", ref.Quote(string(t)))
	}
	return nil
}

// Expand fills the placeholders in. One that is not among the blanks stays as it is.
func (t Template) Expand(b Blanks) string {
	return placeholderPattern.ReplaceAllStringFunc(string(t), func(found string) string {
		if text, ok := b[strings.Trim(found, "{}")]; ok {
			return text
		}
		return found
	})
}

// ExpandTag is Expand for tags, which take no plus: as helm does, an underscore stands for it.
func (t Template) ExpandTag(b Blanks) string { return strings.ReplaceAll(t.Expand(b), "+", "_") }

// Has tells whether a placeholder is in the template.
func (t Template) Has(placeholder string) bool {
	return strings.Contains(string(t), "{"+placeholder+"}")
}

// Words are the names of the placeholders, each where it stands.
func (t Template) Words() []string {
	found := placeholderPattern.FindAllString(string(t), -1)
	for i, word := range found {
		found[i] = strings.Trim(word, "{}")
	}
	return found
}

// Matcher is the template read backwards: a pattern with a group for each placeholder, which
// is where it first stands. Some words are known: each is then one of its texts.
func (t Template) Matcher(known map[string][]string) Matcher {
	var pattern strings.Builder
	var m Matcher
	rest := string(t)
	for _, at := range placeholderPattern.FindAllString(rest, -1) {
		before, after, _ := strings.Cut(rest, at)
		word := strings.Trim(at, "{}")
		group := "("
		if slices.Contains(m.words, word) {
			group = "(?:"
		} else {
			m.words = append(m.words, word)
		}
		fmt.Fprintf(&pattern, "%s%s%s)", regexp.QuoteMeta(before), group, ungrouped(patternOf(word, known[word])))
		rest = after
	}
	m.pattern = regexp.MustCompile("^" + pattern.String() + regexp.QuoteMeta(rest) + "$")
	return m
}

// Matcher finds again what a template was filled with.
type Matcher struct {
	pattern *regexp.Regexp
	words   []string // of the groups, in their order
}

// Read is what stands in the placeholders; false where the text does not follow the template.
func (m Matcher) Read(text string) (Blanks, bool) {
	match := m.pattern.FindStringSubmatch(text)
	if match == nil {
		return nil, false
	}
	found := Blanks{}
	for i, word := range m.words {
		found[word] = match[i+1]
	}
	return found, true
}

// ungrouped is a pattern that catches nothing by itself.
func ungrouped(pattern string) string { return "(?:" + pattern + ")" }

func patternOf(word string, known []string) string {
	if len(known) > 0 {
		quoted := make([]string, len(known))
		for i, text := range known {
			quoted[i] = regexp.QuoteMeta(text)
		}
		return strings.Join(quoted, "|")
	}
	if pattern, ok := patterns[word]; ok {
		return pattern
	}
	return anyWord
}

func braced(words []string) []string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = "{" + word + "}"
	}
	return all
}

// Open is the first placeholder in a text; empty where there is none.
func Open(text string) string { return placeholderPattern.FindString(text) }
