package transport

import (
	"net/http"
	"strings"
)

// challenge is one WWW-Authenticate header: its scheme in lower case, and parameters.
type challenge struct {
	scheme string
	params map[string]string
}

// findChallenge picks the challenge that can be answered, a bearer's before a basic one.
func findChallenge(header http.Header) (challenge, bool) {
	var best challenge
	for _, value := range header.Values("WWW-Authenticate") {
		switch found := parseChallenge(value); {
		case found.scheme == "bearer" && found.params["realm"] != "":
			return found, true
		case found.scheme == "basic":
			best = found
		}
	}
	return best, best.scheme != ""
}

// parseChallenge reads `Scheme key="value",key=value`. What it cannot read it leaves out.
func parseChallenge(value string) challenge {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	found := challenge{scheme: strings.ToLower(scheme), params: map[string]string{}}
	for rest != "" {
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			break
		}
		var content string
		content, rest = parseParam(after)
		found.params[strings.ToLower(strings.Trim(key, " ,"))] = content
	}
	return found
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
