package ref

import (
	"errors"
	"fmt"
	"net/url"
)

// ParseHelmRepository reads the address of a classic Helm repository, https://HOST[/PATH]. The error
// never repeats what may be a password.
func ParseHelmRepository(address string) (*url.URL, error) {
	at, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("the chart repository's address cannot be read; write https://HOST[/PATH]")
	case at.User != nil:
		return nil, errors.New("the chart repository's address has a login in it; write https://HOST[/PATH], and log in to that host")
	case at.Scheme != "https" && at.Scheme != "http" || at.Host == "":
		return nil, fmt.Errorf("%s is no address of a chart repository; write https://HOST[/PATH]", Quote(address))
	case at.RawQuery != "" || at.Fragment != "":
		return nil, errors.New("the chart repository's address has more than a host and a path; write https://HOST[/PATH]")
	case at.Port() != "":
		if err := checkPort(at.Port()); err != nil {
			return nil, fmt.Errorf("the chart repository's address: %w", err)
		}
	}
	return at, nil
}
