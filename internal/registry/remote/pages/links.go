package pages

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// linkPattern is one link of a Link header (RFC 8288): an address and its parameters, in which
// a quoted string may hold commas and semicolons.
var linkPattern = regexp.MustCompile(`<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"]*))?)*)`)

// relPattern is the parameter that says what a link leads to: words, one of which may be next.
var relPattern = regexp.MustCompile(`(?i)(?:^|[;\s])rel\s*=\s*"?(?:[^"]*\s)?next(?:[\s";,]|$)`)

// nextLink finds the link to the next page among all that Link headers name. One that is not
// written as it should be, an address without its brackets, is a link all the same; the address is
// empty where a header speaks of a next page and names none.
func nextLink(headers []string) (address string, found bool) {
	for _, header := range headers {
		for _, link := range linkPattern.FindAllStringSubmatch(header, -1) {
			if relPattern.MatchString(link[2]) {
				return link[1], true
			}
		}
	}
	for _, header := range headers {
		if linkPattern.MatchString(header) || !relPattern.MatchString(header) {
			continue
		}
		address, _, _ := strings.Cut(header, ";")
		if address = strings.Trim(address, "<> "); strings.Contains(address, "/") {
			return address, true
		}
		return "", true
	}
	return "", false
}

// nextPage is the path that the Link header names, empty after the last page. Registries
// behind a proxy name themselves by another scheme or port, and the listing has to stay at the
// registry, which gets our credentials: only the path counts.
func nextPage(request transport.Request, header http.Header) (string, error) {
	link, found := nextLink(header.Values("Link"))
	if !found {
		return "", nil
	}
	base, err := url.Parse(request.Path)
	if err != nil {
		return "", err
	}
	next, err := base.Parse(link)
	if err != nil || next.Opaque != "" || link == "" {
		return "", errors.New("unusable link to the next page") // which may hold a signature
	}
	return (&url.URL{Path: next.Path, RawPath: next.RawPath, RawQuery: next.RawQuery}).String(), nil
}
