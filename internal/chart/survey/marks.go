package survey

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
)

// mark is a place in a value before which a token is put, to see where in a rendering it comes out.
type mark struct {
	at path
	// text is the value; the part of it that leads an image goes from start to end.
	text       string
	start, end int
	// free says that the value is empty: whatever is put there may stand for something else.
	free bool
}

// same tells whether two marks stand at the same place of the same value.
func (m mark) same(other mark) bool {
	return m.start == other.start && m.end == other.end && m.text == other.text && m.free == other.free && m.at.key() == other.at.key()
}

// token is what stands before the part: something that is valid at the beginning of a host and of
// a repository, and that nobody writes.
func token(i int) string { return fmt.Sprintf("zq%dz", i) }

var tokens = regexp.MustCompile(`zq([0-9]+)z`)

// marked are the changes that put the tokens of some marks into their values.
func (s *surveyor) marked(some []int) []change {
	var changes []change
	byKey := map[string]int{}
	// From the last to the first, so that a token does not move the places of those to come.
	for _, i := range slices.Backward(some) {
		m := s.marks[i]
		at, known := byKey[m.at.key()]
		if !known {
			at = len(changes)
			byKey[m.at.key()] = at
			changes = append(changes, change{m.at, m.text})
		}
		text := changes[at].value.(string)
		changes[at].value = text[:m.start] + token(i) + text[m.start:]
	}
	return changes
}

// candidates are the values that may lead the images of a rendering: the text is the beginning of
// an image's name, or holds an image.
func candidates(all map[string]any, mentions []naming.Mention, origin naming.Origin) []mark {
	var marks []mark
	visit(nil, all, func(at path, value any) {
		text, ok := value.(string)
		if !ok || text == "" || at.isGlobalCopy() {
			return
		}
		if slices.ContainsFunc(mentions, func(m naming.Mention) bool { return begins(m.Spelled(), text) }) {
			marks = append(marks, mark{at: at, text: text, end: len(text)})
			return
		}
		for _, m := range naming.MentionsIn(origin, at.last(), text) {
			if m.End > 0 {
				marks = append(marks, mark{at: at, text: text, start: m.Start, end: m.End})
			}
		}
	})
	return marks
}

// begins tells whether a name begins with a value, up to where a part of it ends.
func begins(name, value string) bool {
	rest, ok := strings.CutPrefix(name, value)
	return ok && (rest == "" || strings.ContainsRune("/:@", rune(rest[0])) || strings.HasSuffix(value, "/"))
}

// empties are the values that hold nothing and whose keys tell that they may take a registry.
func empties(all map[string]any) []mark {
	var marks []mark
	seen := map[string]bool{}
	visit(nil, all, func(at path, value any) {
		if value != nil && value != "" || !namesRegistry.MatchString(at.last()) {
			return
		}
		if global := slices.Index(at, any("global")); global > 0 {
			at = at[global:] // where it is set for every subchart
		}
		if key := at.key(); !seen[key] {
			seen[key] = true
			marks = append(marks, mark{at: at, free: true})
		}
	})
	return marks
}

// lead is what was seen at a place: the value whose part stands first in the image's name, and
// what follows that part there.
type lead struct {
	mark   int
	suffix string
}

// trace renders with some marks and notes at which mentions they lead. Where the chart does
// not take a marked value, it tries the marks in smaller groups.
func (s *surveyor) trace(ctx context.Context, v *view, some []int) error {
	if len(some) == 0 {
		return nil
	}
	rendering, err := s.render(ctx, with(v.values, v.all, slices.Concat(s.marked(some), s.survey.gates)))
	switch {
	case err == nil:
		v.note(s.marks, rendering)
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(some) == 1 || s.spent():
		s.refused = append(s.refused, some...)
		return nil
	}
	half := len(some) / 2
	if err := s.trace(ctx, v, some[:half]); err != nil {
		return err
	}
	return s.trace(ctx, v, some[half:])
}

// traceAlone tries empty values by themselves where several of them came together in one name, a
// registry and a repository: what each would lead to is then hidden by the others.
func (s *surveyor) traceAlone(ctx context.Context, v *view) error {
	var alone []int
	for i, m := range v.mentions {
		if slices.ContainsFunc(v.leads[i], func(l lead) bool { return strings.HasSuffix("/"+Tail(m), l.suffix) }) {
			continue
		}
		for _, l := range v.leads[i] {
			if s.marks[l.mark].free && !slices.Contains(alone, l.mark) {
				alone = append(alone, l.mark)
			}
		}
	}
	for _, mark := range alone {
		if s.spent() {
			return nil
		}
		if err := s.trace(ctx, v, []int{mark}); err != nil {
			return err
		}
	}
	return nil
}

// note finds for each mention which mark leads it in a rendering with marks.
func (v *view) note(marks []mark, rendering *chart.Rendering) {
	texts := textsOf(rendering)
	for i, m := range v.mentions {
		if m.End == 0 {
			continue
		}
		for _, text := range texts[keyOf(m.Use)] {
			found, ok := leadOf(marks, m, text)
			if ok && !slices.Contains(v.leads[i], found) {
				v.leads[i] = append(v.leads[i], found)
			}
		}
	}
}

// textsOf are the strings of a rendering that have tokens, by their places without them.
func textsOf(rendering *chart.Rendering) map[string][]string {
	texts := map[string][]string{}
	naming.Strings(rendering, func(use naming.Use, text string) {
		if tokens.MatchString(text) {
			key := keyOf(use)
			texts[key] = append(texts[key], text)
		}
	})
	return texts
}

func keyOf(use naming.Use) string { return tokens.ReplaceAllString(use.String(), "") }

// leadOf reads a mention's string as it is with marks: which mark's token stands at the beginning
// of the name, and what follows the mark's text in it.
func leadOf(marks []mark, m naming.Mention, text string) (lead, bool) {
	plain := tokens.ReplaceAllString(text, "")
	before, after := m.Text[:m.Start], m.Text[m.End:]
	if !strings.HasPrefix(plain, before) || !strings.HasSuffix(plain, after) || len(plain) < len(before)+len(after) {
		return lead{}, false
	}
	name := plain[len(before) : len(plain)-len(after)]
	removed := 0
	for _, at := range tokens.FindAllStringSubmatchIndex(text, -1) {
		begin := at[0] - removed
		removed += at[1] - at[0]
		if begin != len(before) {
			continue
		}
		i, err := strconv.Atoi(text[at[2]:at[3]])
		if err != nil || i >= len(marks) {
			continue
		}
		part := marks[i].text[marks[i].start:marks[i].end]
		if suffix, ok := strings.CutPrefix(name, part); ok {
			return lead{mark: i, suffix: suffix}, true
		}
	}
	return lead{}, false
}
