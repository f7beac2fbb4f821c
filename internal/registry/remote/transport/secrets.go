package transport

import (
	"cmp"
	"net/url"
	"slices"
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

// add takes secrets in, in every form in which they travel.
func (s *secrets) add(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, value := range values {
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value)} {
			if len(form) >= shortestSecret && !slices.Contains(s.all, form) {
				s.all = append(s.all, form)
			}
		}
	}
	slices.SortFunc(s.all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

// hide returns text without the secrets.
func (s *secrets) hide(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.all {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return text
}

// Printable is what a registry says, fit for people's eyes: without the secrets that it was
// sent, without control characters, and short.
func (c *Client) Printable(text string) string { return printable(c.secrets.hide(text)) }
