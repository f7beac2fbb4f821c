package flagset

import "github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"

// Connection is the group of that name without some of it.
func Connection(without ...string) []string {
	var kept []string
	for _, key := range config.Connection {
		if key != without[0] {
			kept = append(kept, key)
		}
	}
	return kept
}

// ReleaseSettings are the settings that name one release in the private registry.
var ReleaseSettings = []string{"registry", "product", "release", "known-only", "catalogue"}
