package referrers

import (
	"errors"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// refusals are why a registry does not list referrers that it should list. Each repository
// is asked until it has refused once, for an image is asked about after the other.
type refusals struct {
	mu           sync.Mutex
	listed       bool // some were
	everywhere   error
	byRepository map[string]error
}

// remember keeps a refusal. Two repositories for which no retry has mended it, where none has
// been listed, are taken to say that the registry as a whole does not.
func (r *refusals) remember(repository string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var over, before *transport.GaveUpError
	if errors.As(err, &over) && !r.listed {
		for other, earlier := range r.byRepository {
			if other != repository && errors.As(earlier, &before) {
				r.everywhere = err
			}
		}
	}
	if r.byRepository == nil {
		r.byRepository = map[string]error{}
	}
	r.byRepository[repository] = err
}

func (r *refusals) succeeded() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listed = true
}

func (r *refusals) of(repository string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.everywhere != nil {
		return r.everywhere
	}
	return r.byRepository[repository]
}
