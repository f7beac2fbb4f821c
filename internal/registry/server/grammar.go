package server

import (
	"net/http"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// writableName tells whether a repository may be pushed to under its name. It has answered
// where it returns false.
func writableName(w http.ResponseWriter, repository string) bool {
	err := ref.CheckRepository("", repository)
	if err != nil {
		fail(w, http.StatusBadRequest, "NAME_INVALID", err.Error())
	}
	return err == nil
}

func isTag(reference string) bool { return ref.IsTag(reference) }
