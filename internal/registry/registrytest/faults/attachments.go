package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// attachedTag is where cosign keeps what belongs to an image.
var attachedTag = regexp.MustCompile(`^sha256-([0-9a-f]{64})\.`)

// SubjectFirst makes a registry that refuses a signature under a tag, sha256-HEX.sig, whose
// image is not there yet, with 404 NOT_FOUND (Harbor 2.5 to 2.7).
func SubjectFirst() registrytest.Middleware {
	var mu sync.Mutex
	known := map[string]bool{}
	return onManifests(func(registry http.Handler, w http.ResponseWriter, r *http.Request, q registrytest.Request) {
		mu.Lock()
		defer mu.Unlock()
		if subject := attachedTag.FindStringSubmatch(q.Reference); subject != nil && !known[q.Repository+"@sha256:"+subject[1]] {
			refuseWith(w, http.StatusNotFound, "NOT_FOUND", "the image is not there")
			return
		}
		known[q.Repository+"@"+q.Reference] = true
		registry.ServeHTTP(w, r)
	})
}

// onManifests hands manifests that are put to do, which passes them on or does not.
func onManifests(do func(registry http.Handler, w http.ResponseWriter, r *http.Request, q registrytest.Request)) registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if q := registrytest.Classify(r); q.Kind == registrytest.PutManifest {
				do(registry, w, r, q)
				return
			}
			registry.ServeHTTP(w, r)
		})
	}
}

// RefuseAttachments makes a registry that answers status to what is attached to an image, by a
// tag or by a subject (Artifactory 6).
func RefuseAttachments(status int) registrytest.Middleware {
	return onManifests(func(registry http.Handler, w http.ResponseWriter, r *http.Request, q registrytest.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		var manifest struct {
			Subject json.RawMessage `json:"subject"`
		}
		if attachedTag.MatchString(q.Reference) || json.Unmarshal(body, &manifest) == nil && manifest.Subject != nil {
			refuseWith(w, status, "MANIFEST_INVALID", "attachments are not taken")
			return
		}
		registry.ServeHTTP(w, r)
	})
}

// ImmutableTags makes a registry that takes each tag once (ECR, Harbor with a rule for it).
func ImmutableTags() registrytest.Middleware {
	var mu sync.Mutex
	taken := map[string]bool{}
	return onManifests(func(registry http.Handler, w http.ResponseWriter, r *http.Request, q registrytest.Request) {
		if !strings.Contains(q.Reference, ":") {
			mu.Lock()
			again := taken[q.Repository+":"+q.Reference]
			taken[q.Repository+":"+q.Reference] = true
			mu.Unlock()
			if again {
				refuseWith(w, http.StatusPreconditionFailed, "TAG_INVALID", "the tag is immutable")
				return
			}
		}
		registry.ServeHTTP(w, r)
	})
}

// refuseWith answers as the distribution specification has it.
func refuseWith(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}
