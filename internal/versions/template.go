package versions

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// template is a name with placeholders, "v{version}{edition}-{release}".
type template string

// blanks are the texts that stand in a template's placeholders, by their names.
type blanks map[string]string

// with is blanks with more, which take the place of others.
func (b blanks) with(more blanks) blanks {
	all := maps.Clone(b)
	maps.Copy(all, more)
	return all
}

// ofVersion are the placeholders of a PostgreSQL version.
func ofVersion(v Version) blanks {
	return blanks{"version": v.String(), "major": fmt.Sprint(v.Major), "minor": fmt.Sprint(v.Minor)}
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

// check finds placeholders that do not exist or that make no sense where the template
// stands.
func (t template) check(allowed ...string) error {
	for _, found := range placeholderPattern.FindAllString(string(t), -1) {
		if word := strings.Trim(found, "{}"); !slices.Contains(allowed, word) {
			return unknown(found, "a placeholder here", braced(allowed))
		}
	}
	if rest := placeholderPattern.ReplaceAllString(string(t), ""); strings.ContainsAny(rest, "{}") {
		return fmt.Errorf("%s has a brace without its partner", ref.Quote(string(t)))
	}
	return nil
}

// expand fills the placeholders in. One that is not among the blanks stays as it is.
func (t template) expand(b blanks) string {
	return placeholderPattern.ReplaceAllStringFunc(string(t), func(found string) string {
		if text, ok := b[strings.Trim(found, "{}")]; ok {
			return text
		}
		return found
	})
}

// expandTag is expand for tags, which take no plus: as helm does, an underscore stands for it.
func (t template) expandTag(b blanks) string { return strings.ReplaceAll(t.expand(b), "+", "_") }

// has tells whether a placeholder is in the template.
func (t template) has(placeholder string) bool {
	return strings.Contains(string(t), "{"+placeholder+"}")
}

// words are the names of the placeholders, each where it stands.
func (t template) words() []string {
	found := placeholderPattern.FindAllString(string(t), -1)
	for i, word := range found {
		found[i] = strings.Trim(word, "{}")
	}
	return found
}

// matcher is the template read backwards: a pattern with a group for each placeholder, which
// is where it first stands. Some words are known: each is then one of its texts.
func (t template) matcher(known map[string][]string) matcher {
	var pattern strings.Builder
	var m matcher
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

// matcher finds again what a template was filled with.
type matcher struct {
	pattern *regexp.Regexp
	words   []string // of the groups, in their order
}

// read is what stands in the placeholders; false where the text does not follow the template.
func (m matcher) read(text string) (blanks, bool) {
	match := m.pattern.FindStringSubmatch(text)
	if match == nil {
		return nil, false
	}
	found := blanks{}
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
