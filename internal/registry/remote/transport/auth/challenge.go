package auth

import (
	"net/http"
	"slices"
	"strings"
)

// challenge is how a registry wants to be authenticated: the scheme in lower case, and its
// parameters, their names in lower case.
type challenge struct {
	scheme string
	params map[string]string
}

// same tells whether two challenges ask for the same: a bearer's token comes from the same
// server for the same service.
func (c challenge) same(other challenge) bool {
	return c.scheme == other.scheme && (c.scheme == "basic" ||
		c.params["realm"] == other.params["realm"] && c.params["service"] == other.params["service"])
}

// findChallenge picks the challenge that can be answered, a bearer's before a basic one.
func findChallenge(header http.Header) (challenge, bool) {
	var best challenge
	for _, value := range header.Values("WWW-Authenticate") {
		for _, found := range parseChallenges(value) {
			switch {
			case found.scheme == "bearer" && found.params["realm"] != "":
				return found, true
			case found.scheme == "basic":
				best = found
			}
		}
	}
	return best, best.scheme != ""
}

// Unknown are the schemes that a registry asks for, where it asks for none that an Attempt can answer.
func Unknown(header http.Header) []string {
	if _, known := findChallenge(header); known {
		return nil
	}
	var all []string
	for _, value := range header.Values("WWW-Authenticate") {
		for _, found := range parseChallenges(value) {
			if found.scheme != "bearer" && !slices.Contains(all, found.scheme) { // it names no token server
				all = append(all, found.scheme)
			}
		}
	}
	return all
}

// parseChallenges reads a field, in which several challenges may stand one after the other
// (RFC 9110, 11.6.1): `Basic realm="x", Bearer realm="y",service="z"`. A word that is no
// parameter's name begins a challenge. What it cannot read it leaves out.
func parseChallenges(field string) []challenge {
	var found []challenge
	for {
		field = strings.TrimLeft(field, " \t,")
		if field == "" {
			return found
		}
		end := strings.IndexAny(field, " \t,=")
		if end < 0 {
			end = len(field)
		}
		word, rest := field[:end], strings.TrimLeft(field[end:], " \t")
		if after, isParam := strings.CutPrefix(rest, "="); isParam && len(found) > 0 {
			var value string
			value, field = parseParam(strings.TrimLeft(after, " \t"))
			found[len(found)-1].params[strings.ToLower(word)] = value
			continue
		}
		found = append(found, challenge{scheme: strings.ToLower(word), params: map[string]string{}})
		field = strings.TrimLeft(rest, "=")
	}
}

// parseParam reads one value, quoted or bare, and returns what follows it.
func parseParam(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ",")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
