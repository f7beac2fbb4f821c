package secrets

import (
	"bytes"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A secret can be written with any of its characters escaped, as addresses, JSON, Go and HTML do it, in
// too many ways to list: so the text is read back, and where the secret stands in what it means, what
// it was written as is hidden. What is escaped twice is read back twice.

// mostLevels are how often a text is read back.
const mostLevels = 3

// meaning is a text with its escapes read back: each byte with the part of the text that it comes from.
type meaning struct {
	text  []byte
	spans [][2]int
}

// meaningOf is a text as it stands.
func meaningOf(text string) meaning {
	m := meaning{text: []byte(text), spans: make([][2]int, len(text))}
	for i := range m.spans {
		m.spans[i] = [2]int{i, i + 1}
	}
	return m
}

// meaningsOf are a secret, and what is left of it where text that holds it is unescaped: it may hold
// "%20" itself.
func meaningsOf(secret string) []string {
	m, all := meaningOf(secret), []string{lower(secret)}
	for range mostLevels {
		m = m.unescaped()
		all = append(all, lower(string(m.text)))
	}
	return slices.Compact(all)
}

// withoutEscaped hides the secrets, which are in lower case, however their characters are escaped.
func withoutEscaped(text string, secrets []string, alone bool) string {
	if len(secrets) == 0 || !strings.ContainsAny(text, `%&\`) {
		return text
	}
	m := meaningOf(text)
	var found [][2]int
	for range mostLevels {
		next := m.unescaped()
		if len(next.text) == len(m.text) {
			break
		}
		m = next
		for _, secret := range secrets {
			found = append(found, m.find(secret, alone && len(secret) < long)...)
		}
	}
	return hideSpans(text, found)
}

// find are the parts of the text that mean a secret.
func (m meaning) find(secret string, alone bool) [][2]int {
	folded := lower(string(m.text))
	var found [][2]int
	for from := 0; ; {
		at := strings.Index(folded[from:], secret)
		if at < 0 {
			return found
		}
		at += from
		end := at + len(secret)
		if from = end; alone && (inName(folded[:at], true) || inName(folded[end:], false)) {
			continue
		}
		found = append(found, [2]int{m.spans[at][0], m.spans[end-1][1]})
	}
}

func hideSpans(text string, spans [][2]int) string {
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	var b strings.Builder
	done := 0
	for _, span := range spans {
		if span[0] >= done {
			b.WriteString(text[done:span[0]] + hidden)
		}
		done = max(done, span[1])
	}
	return b.String() + text[done:]
}

// unescaped reads one level of escapes back.
func (m meaning) unescaped() meaning {
	var next meaning
	for i := 0; i < len(m.text); {
		meant, size := unescape(m.text[i:])
		for _, b := range meant {
			next.text = append(next.text, b)
			next.spans = append(next.spans, [2]int{m.spans[i][0], m.spans[i+size-1][1]})
		}
		i += size
	}
	return next
}

// unescape reads what a text begins with: what it means, and how long it is.
func unescape(text []byte) (meant []byte, size int) {
	switch text[0] {
	case '%':
		if n, ok := hexAt(text, 1, 2); ok {
			return []byte{byte(n)}, 3
		}
	case '&':
		if end := bytes.IndexByte(text[:min(len(text), 12)], ';'); end > 0 {
			if entity := string(text[:end+1]); html.UnescapeString(entity) != entity {
				return []byte(html.UnescapeString(entity)), end + 1
			}
		}
	case '\\':
		return unescapeBackslash(text)
	}
	return text[:1], 1
}

func unescapeBackslash(text []byte) (meant []byte, size int) {
	if len(text) < 2 {
		return text[:1], 1
	}
	switch text[1] {
	case '\\', '"', '\'', '/', '`':
		return text[1:2], 2
	case 'x':
		if n, ok := hexAt(text, 2, 2); ok {
			return []byte{byte(n)}, 4
		}
	case 'u':
		if n, ok := hexAt(text, 2, 4); ok {
			return utf8.AppendRune(nil, rune(n)), 6
		}
	}
	return text[:1], 1
}

// hexAt is a number of some hexadecimal digits.
func hexAt(text []byte, at, digits int) (uint64, bool) {
	if len(text) < at+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[at:at+digits]), 16, 32)
	return n, err == nil
}
