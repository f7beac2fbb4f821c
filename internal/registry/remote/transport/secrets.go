package transport

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// secrets are the passwords and tokens that a client has used: registries, and firewalls
// before them, repeat in their errors what they were sent, and errors end up in logs.
type secrets struct {
	mu  sync.Mutex
	all []string // longest first, so that no part of one is left over
}

// hidden stands in the place of a secret.
const hidden = "***"

// shortestSecret is the shortest that is hidden: to replace each "a" would tell it.
const shortestSecret = 3

// add takes secrets in, in every form in which they travel and are repeated.
func (s *secrets) add(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, value := range values {
		for _, form := range formsOf(value) {
			if len(form) >= shortestSecret && !slices.Contains(s.all, form) {
				s.all = append(s.all, form)
			}
		}
	}
	slices.SortFunc(s.all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

// formsOf are a secret as it is, in an address, in base64, in quotes, and in JSON, all in lower
// case: hosts are often written so.
func formsOf(value string) []string {
	quoted := strconv.Quote(value)
	encoded, _ := json.Marshal(value) // never fails for a string
	forms := []string{
		value, url.QueryEscape(value), url.PathEscape(value), quoted[1 : len(quoted)-1], string(encoded[1 : len(encoded)-1]),
		base64.StdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)),
	}
	for i := range forms {
		forms[i] = strings.ToLower(forms[i])
	}
	return forms
}

// hide returns text without the secrets, in whatever case they stand there.
func (s *secrets) hide(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.all {
		text = withoutFold(text, secret)
	}
	return text
}

// withoutFold replaces a secret, which is in lower case, wherever it stands in a text.
func withoutFold(text, secret string) string {
	lower := strings.ToLower(text)
	if len(lower) != len(text) || !strings.Contains(lower, secret) { // letters whose cases differ in length
		return strings.ReplaceAll(text, secret, hidden)
	}
	var b strings.Builder
	for {
		at := strings.Index(lower, secret)
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at] + hidden)
		text, lower = text[at+len(secret):], lower[at+len(secret):]
	}
}

// discreet is an error whose text hides what was sent: a registry may repeat it in a status
// line, a header, a redirect or a digest, and whoever reads that puts it into an error.
type discreet struct {
	err     error
	secrets *secrets
}

func (d *discreet) Error() string { return d.secrets.hide(d.err.Error()) }
func (d *discreet) Unwrap() error { return d.err }

// discreetly tells lines without secrets.
func (c *Client) discreetly(tell func(string)) func(string) {
	return func(line string) { tell(c.secrets.hide(line)) }
}

// Printable is what a registry says, fit for people's eyes: without the secrets that it was
// sent, without control characters, and short.
func (c *Client) Printable(text string) string { return printable(c.secrets.hide(text)) }
