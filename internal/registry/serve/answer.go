package serve

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// fail answers with an error as the specification wants it.
func fail(w http.ResponseWriter, status int, code, message string) {
	type one struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	body, _ := json.Marshal(map[string][]one{"errors": {{code, message}}})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone, or has it
}

// failed answers for an error of the content. What is not there has a code of its own.
func failed(w http.ResponseWriter, err error, code string) {
	if errors.Is(err, registry.ErrNotFound) {
		fail(w, http.StatusNotFound, code, "not in this registry")
		return
	}
	fail(w, http.StatusInternalServerError, "UNKNOWN", "the content cannot be read: "+err.Error())
}

// writeJSON answers with v. HEAD requests lose the body in net/http.
func writeJSON(w http.ResponseWriter, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		fail(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}
