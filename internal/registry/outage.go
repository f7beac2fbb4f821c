package registry

import "time"

// Outage is a registry that fails while its requests are tried again.
type Outage struct {
	Side Side
	// Host is the registry, with its port where one was named.
	Host string
	// State says what has become of it.
	State OutageState
	// Cause is what the last request failed with, fit for people's eyes.
	Cause string
	// Since is when the first request failed that no answer has followed. Next is when this one is
	// tried again, which others' answers do not hasten, and Until when that ends at the latest.
	Since, Next, Until time.Time
}

// OutageState is what has become of an outage.
type OutageState int

// What becomes of an outage.
const (
	// OutageLasts: requests are tried again.
	OutageLasts OutageState = iota
	// OutageOver: the registry has answered.
	OutageOver
	// OutageGivenUp: a request is not tried again any more, and ends with an error that says so.
	OutageGivenUp
)
