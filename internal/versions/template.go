package versions

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// template is a name with placeholders, "v{version}-lite-{release}".
type template string

// blank are the things that stand in a template's placeholders.
type blank struct {
	release string
	version Version
}

// placeholders are what a template may contain, each with the pattern that finds it
// again in a tag.
var placeholders = map[string]string{
	"release": `v?[0-9]+(?:\.[0-9]+){1,2}(?:-[0-9A-Za-z.-]+)?(?:_[0-9A-Za-z.-]+)?`,
	"version": `[1-9][0-9]{0,3}\.(?:0|[1-9][0-9]{0,3})`,
	"major":   `[1-9][0-9]{0,3}`,
}

var placeholderPattern = regexp.MustCompile(`\{[^{}]*\}`)

// check finds placeholders that do not exist or that make no sense where the template
// stands.
func (t template) check(allowed ...string) error {
	for _, found := range placeholderPattern.FindAllString(string(t), -1) {
		word := strings.Trim(found, "{}")
		ok := false
		for _, a := range allowed {
			ok = ok || word == a
		}
		if !ok {
			return unknown(found, "a placeholder here", braced(allowed))
		}
	}
	if rest := placeholderPattern.ReplaceAllString(string(t), ""); strings.ContainsAny(rest, "{}") {
		return fmt.Errorf("%s has a brace without its partner", ref.Quote(string(t)))
	}
	return nil
}

// expand fills the placeholders in.
func (t template) expand(b blank) string {
	return strings.NewReplacer(
		"{release}", b.release,
		"{version}", b.version.String(),
		"{major}", fmt.Sprint(b.version.Major),
	).Replace(string(t))
}

// expandTag is expand for tags, which take no plus: as helm does, an underscore stands for it.
func (t template) expandTag(b blank) string { return strings.ReplaceAll(t.expand(b), "+", "_") }

// has tells whether a placeholder is in the template.
func (t template) has(placeholder string) bool {
	return strings.Contains(string(t), "{"+placeholder+"}")
}

// matcher is the template read backwards: a pattern with a group for each placeholder,
// which is where it first stands.
func (t template) matcher() *regexp.Regexp {
	var pattern strings.Builder
	rest := string(t)
	seen := map[string]bool{}
	for _, at := range placeholderPattern.FindAllString(rest, -1) {
		before, after, _ := strings.Cut(rest, at)
		word := strings.Trim(at, "{}")
		group := "?P<" + word + ">"
		if seen[word] {
			group = "?:"
		}
		seen[word] = true
		fmt.Fprintf(&pattern, "%s(%s%s)", regexp.QuoteMeta(before), group, placeholders[word])
		rest = after
	}
	return regexp.MustCompile("^" + pattern.String() + regexp.QuoteMeta(rest) + "$")
}

func braced(words []string) []string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = "{" + word + "}"
	}
	return all
}
