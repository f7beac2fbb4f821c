package view

import (
	"io"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// Failure stands in the place of the result of `pgrelocate` commands that have come to none.
type Failure struct {
	output.Header
	// Cause is as that of an artifact.
	Cause string `json:"cause"`
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
	// ExitCode is the program's.
	ExitCode int `json:"exitCode"`
}

// NewFailure shows an error.
func NewFailure(err error) Failure {
	return Failure{
		Header: output.NewHeader("Failure"),
		Cause:  CauseOf(err), Error: err.Error(), Hint: advice.For(err), ExitCode: exit.Code(err),
	}
}

// WriteTable writes nothing: people are told by a message.
func (Failure) WriteTable(io.Writer) error { return nil }
