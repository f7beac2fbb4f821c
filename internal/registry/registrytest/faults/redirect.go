package faults

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// ObjectStore is another host that holds a registry's blobs, as a bucket does. It refuses
// requests that carry the registry's credentials, as buckets refuse two ways of
// authentication at once, and wants the signature that is in the redirect's query.
type ObjectStore struct {
	// Refused counts requests that carried an Authorization header.
	Refused atomic.Int64
	// Served counts those that were served.
	Served atomic.Int64

	url string
}

// storeSignature stands for what signs a bucket's URLs.
const storeSignature = "X-Test-Signature=abc%2Fdef%3D"

// NewObjectStore makes an object store that is reached at a URL. The caller serves its
// Handler there, and puts Redirect before the registry.
func NewObjectStore(at string) *ObjectStore { return &ObjectStore{url: at} }

// Redirect answers downloads of blobs with where they lie.
func (s *ObjectStore) Redirect() registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if registrytest.Classify(r).Kind != registrytest.GetBlob {
				registry.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Location", s.url+"/bucket"+r.URL.Path+"?"+storeSignature)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
	}
}

// Handler serves the blobs out of a registry that asks for no credentials.
func (s *ObjectStore) Handler(registry http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, inBucket := strings.CutPrefix(r.URL.Path, "/bucket")
		switch {
		case r.Header.Get("Authorization") != "":
			s.Refused.Add(1)
			http.Error(w, "<Error><Code>InvalidArgument</Code></Error>", http.StatusBadRequest)
		case !inBucket || r.URL.RawQuery != storeSignature:
			http.Error(w, "<Error><Code>SignatureDoesNotMatch</Code></Error>", http.StatusForbidden)
		default:
			s.Served.Add(1)
			r.URL = &url.URL{Path: path}
			registry.ServeHTTP(w, r)
		}
	})
}
