package view

import "github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"

// Fitting is a result that fits a terminal. What goes elsewhere is not made to fit: it has whole lines and
// all columns, for grep and awk.
type Fitting interface {
	// Fit is the result with a table that is no wider than that many characters, where it can be.
	Fit(width int) output.View
}
