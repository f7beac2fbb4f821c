// Package secrets knows the passwords and tokens of one run of the program, and takes them out
// of what it says. Registries, and firewalls before them, repeat what they were sent, also to
// each other's clients, and what is said ends up in logs: so whoever learns a secret adds it to
// the one Set of the run, and whoever writes hides what is in it.
package secrets

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Set is the secrets that are known so far. The zero value knows none; it is safe for concurrent
// use.
type Set struct {
	mu  sync.Mutex
	all []string // in lower case, longest first, so that no part of one is left over
	// plain are the secrets as they are, and as they would read if what looks like an escape in
	// them were one, in lower case.
	plain []string
}

// hidden stands in the place of a secret.
const hidden = "***"

// What is shorter than shortest is not hidden, for to replace each "a" would tell it. What is
// shorter than long may be a part of a name by accident: see HideAlone.
const (
	shortest = 3
	long     = 12
)

// Add takes secrets in, in every form in which they travel and are repeated.
func (s *Set) Add(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, value := range values {
		for _, plain := range meaningsOf(value) {
			if len(plain) >= shortest && !slices.Contains(s.plain, plain) {
				s.plain = append(s.plain, plain)
			}
		}
		for _, form := range formsOf(value) {
			if len(form) >= shortest && !slices.Contains(s.all, form) {
				s.all = append(s.all, form)
			}
		}
	}
	slices.SortFunc(s.all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

// Of are the parts of a login that nobody else may see, as they travel.
func Of(login authn.AuthConfig) []string {
	all := []string{login.Password, login.IdentityToken, login.RegistryToken, login.Auth}
	if login.Password != "" {
		pair := []byte(login.Username + ":" + login.Password)
		all = append(all, base64.StdEncoding.EncodeToString(pair), base64.RawURLEncoding.EncodeToString(pair))
	}
	return all
}

// formsOf are a secret as it is, in an address, in base64, in hexadecimal, in quotes, and in JSON, and each of
// these as it stands in JSON or in quotes once more. All are in lower case: hosts are often
// written so.
func formsOf(value string) []string {
	forms := []string{
		value, url.QueryEscape(value), url.PathEscape(value),
		base64.StdEncoding.EncodeToString([]byte(value)), base64.RawStdEncoding.EncodeToString([]byte(value)),
		base64.URLEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)),
		hex.EncodeToString([]byte(value)),
	}
	for range 2 { // what an error quotes may stand in a result
		for _, form := range slices.Clone(forms) {
			quoted := strconv.Quote(form)
			forms = append(forms, quoted[1:len(quoted)-1], encoded(form, true), encoded(form, false))
		}
		slices.Sort(forms)
		forms = slices.Compact(forms)
	}
	for i := range forms {
		forms[i] = lower(forms[i])
	}
	return forms
}

// lower is a text with its ASCII letters in lower case, byte for byte: a host is repeated so, and
// no other letter changes the length of a text, nor a byte that is no UTF-8 its value.
func lower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// encoded is a text as it stands in a JSON string.
func encoded(text string, html bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	_ = e.Encode(text) // never fails for a string
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(b.String()), `"`), `"`)
}

// Hide returns text without the secrets, in whatever case they stand there.
func (s *Set) Hide(text string) string { return s.without(text, false) }

// HideAlone is Hide for results, which name much that may hold a short word by accident: what
// is short is hidden there only where it is no part of a longer name. A password that is a word
// of the product's own name would make every name in the result another one.
func (s *Set) HideAlone(text string) string { return s.without(text, true) }

func (s *Set) without(text string, alone bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.all {
		text = withoutFold(text, secret, alone && len(secret) < long)
	}
	return withoutEscaped(text, s.plain, alone)
}

// withoutFold replaces a secret, which is in lower case, wherever it stands in a text, or where
// it stands alone.
func withoutFold(text, secret string, alone bool) string {
	folded := lower(text)
	var b strings.Builder
	done := 0
	for from := 0; ; {
		at := strings.Index(folded[from:], secret)
		if at < 0 {
			if done == 0 {
				return text
			}
			return b.String() + text[done:]
		}
		at += from
		end := at + len(secret)
		if from = end; alone && (inName(text[:at], true) || inName(text[end:], false)) {
			continue
		}
		b.WriteString(text[done:at] + hidden)
		done = end
	}
}

// inName tells whether a text goes on with a name at its end, or at its beginning.
func inName(text string, atEnd bool) bool {
	r, size := utf8.DecodeRuneInString(text)
	if atEnd {
		r, size = utf8.DecodeLastRuneInString(text)
	}
	if size == 0 {
		return false
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./:@", r)
}

// Writer hides the secrets in what is written to w. Whoever writes does not break a line in two.
func (s *Set) Writer(w io.Writer) io.Writer { return &writer{w, s} }

type writer struct {
	w   io.Writer
	set *Set
}

// Write writes p without the secrets.
func (w *writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.w, w.set.Hide(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
