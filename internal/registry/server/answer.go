package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"

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

// notKept answers for an error that kept content from being written.
func notKept(w http.ResponseWriter, err error) {
	fail(w, http.StatusInternalServerError, "UNKNOWN", "the content cannot be written: "+err.Error())
}

// digestOf reads a digest, of SHA-256 or SHA-512. It has answered where it returns false.
func digestOf(w http.ResponseWriter, text string) (v1.Hash, bool) {
	digest, err := v1.NewHash(text)
	if err != nil {
		fail(w, http.StatusBadRequest, "DIGEST_INVALID", err.Error())
	}
	return digest, err == nil
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
