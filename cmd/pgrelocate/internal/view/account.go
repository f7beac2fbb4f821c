package view

import (
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
)

// Accountable is a result that reports tell of.
type Accountable interface {
	Account() report.Account
}

// ArtifactKind is what reports call artifacts.
const ArtifactKind = "artifact"
