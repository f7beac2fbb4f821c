package relocate

import (
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// Inspector looks at the private registry for what the settings want of indexes, and for what is
// attached where they want that.
func (s *Session) Inspector(private registry.Target) *holdings.Inspector {
	inspector := holdings.NewInspector(private)
	if s.Config.Index != plan.IndexWhole {
		inspector.Platforms = s.Config.Platforms
	}
	if s.Config.Signatures {
		inspector.Attached, inspector.Warn = private, s.Warn
	}
	return inspector
}
