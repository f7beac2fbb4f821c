package checkup

import (
	"slices"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
)

// mostExchanges bounds what a recorder keeps.
const mostExchanges = 1000

// Recorder keeps what the answers of a registry tell beside their content. The zero value is ready.
// It is safe for concurrent use.
type Recorder struct {
	mu  sync.Mutex
	all []remote.Exchange
}

// See keeps an answer; it is for remote.Options.Observe.
func (r *Recorder) See(exchange remote.Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) < mostExchanges {
		r.all = append(r.all, exchange)
	}
}

// seen are the answers so far.
func (r *Recorder) seen() []remote.Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// from are the answers of a host.
func (r *Recorder) from(host string) []remote.Exchange {
	return slices.DeleteFunc(r.seen(), func(e remote.Exchange) bool { return e.Host != host })
}

// header is the first value of any of these that some answer has.
func header(all []remote.Exchange, names ...string) string {
	for _, exchange := range slices.Backward(all) {
		for _, name := range names {
			if value := exchange.Header.Get(name); value != "" {
				return value
			}
		}
	}
	return ""
}
