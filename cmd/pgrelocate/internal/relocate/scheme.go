package relocate

import (
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
)

// PlainTarget tells whether the private registry speaks plain HTTP, for those who ask nobody: it was said so, or it
// is what the first request to it would take for granted.
func (c *Clients) PlainTarget() (bool, error) {
	if c.cfg.PlainHTTP {
		return true, nil
	}
	return remote.PlainFirst(c.cfg.Registry.Host, remote.Options{Side: registry.SideTarget, CAFile: c.cfg.CAFile})
}
