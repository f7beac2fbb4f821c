package secrets

import (
	"regexp"
	"strings"
)

// login is a login in an address, USER:PASSWORD@HOST, with a scheme before it or without.
var login = regexp.MustCompile(`[^\s,;="'/@:]+:([^\s/"']+)@([^\s/@"']+)`)

// token is one instead of a login; a name by itself is no secret, and shorter.
var token = regexp.MustCompile(`//([^\s/"'@:]+)@`)

// InAddresses are the secrets of logins that stand in addresses, where nobody should have written
// them: they are repeated with what is wrong with an address.
func InAddresses(text string) []string {
	var all []string
	for _, found := range login.FindAllStringSubmatch(text, -1) {
		whole, password, host := found[0], found[1], found[2]
		if strings.HasPrefix(host, "sha256:") || strings.HasPrefix(host, "sha512:") {
			continue // REPOSITORY:TAG@DIGEST
		}
		all = append(all, password, strings.TrimSuffix(whole, host), whole)
	}
	for _, found := range token.FindAllStringSubmatch(text, -1) {
		if len(found[1]) >= long {
			all = append(all, found[1])
		}
	}
	return all
}
