package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// NoMount makes a registry that answers every mount with an upload's start.
func NoMount() registrytest.Middleware {
	return mountOnly(func(registrytest.Request, url.Values) bool { return false })
}

// MountReferencedOnly makes a registry that mounts a blob only from a repository where
// a manifest refers to it already, and else starts an upload.
func MountReferencedOnly() registrytest.Middleware {
	var refs references
	return func(registry http.Handler) http.Handler {
		return refs.watch(mountOnly(func(_ registrytest.Request, query url.Values) bool {
			return refs.has(query.Get("from"), query.Get("mount"))
		})(registry))
	}
}

func mountOnly(allowed func(registrytest.Request, url.Values) bool) registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			if q := registrytest.Classify(r); q.Kind == registrytest.Mount && !allowed(q, query) {
				query.Del("mount")
				query.Del("from")
				r.URL.RawQuery = query.Encode()
			}
			registry.ServeHTTP(w, r)
		})
	}
}

// references knows which blobs the manifests of each repository refer to.
type references struct {
	mu    sync.Mutex
	known map[string]bool // by repository and digest
}

func (f *references) has(repository, digest string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known[repository+"@"+digest]
}

// watch learns from the manifests that pass.
func (f *references) watch(registry http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := registrytest.Classify(r)
		if q.Kind != registrytest.PutManifest {
			registry.ServeHTTP(w, r)
			return
		}
		var kept bytes.Buffer
		r = registrytest.WithBody(r, struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &kept), r.Body})
		stored := false
		registry.ServeHTTP(&replyWriter{ResponseWriter: w, edit: func(status int, _ http.Header) {
			stored = status == http.StatusCreated
		}}, r)
		if stored {
			f.learn(q.Repository, kept.Bytes())
		}
	})
}

func (f *references) learn(repository string, manifest []byte) {
	type blob struct {
		Digest string `json:"digest"`
	}
	var refs struct {
		Config blob   `json:"config"`
		Layers []blob `json:"layers"`
	}
	if json.Unmarshal(manifest, &refs) != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil {
		f.known = map[string]bool{}
	}
	for _, b := range append(refs.Layers, refs.Config) {
		f.known[repository+"@"+b.Digest] = true
	}
}

// OnlyRepositories makes a registry that does not create repositories on push: what is
// not on the list has to be created by other means.
func OnlyRepositories(names ...string) registrytest.Middleware {
	return Answer{
		On: func(r *http.Request) bool {
			q := registrytest.Classify(r)
			return q.Repository != "" && !slices.Contains(names, q.Repository)
		},
		Times: Always, Body: Swallowed, Status: http.StatusNotFound, Code: "NAME_UNKNOWN",
	}.Fault()
}

// BareHead makes a proxy that strips what a HEAD of a manifest is asked for.
func BareHead() registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		strip := func(_ int, header http.Header) {
			for _, name := range []string{"Content-Type", "Content-Length", "Docker-Content-Digest", "Etag"} {
				header.Del(name)
			}
			header["Content-Type"] = nil // net/http puts none of its own then
		}
		return rewriteReply(On(registrytest.HeadManifest), strip)(registry)
	}
}

// NoHead makes a proxy that allows no HEAD at all.
func NoHead() registrytest.Middleware {
	return Answer{
		On:    func(r *http.Request) bool { return r.Method == http.MethodHead },
		Times: Always, Status: http.StatusMethodNotAllowed, Code: "UNSUPPORTED",
	}.Fault()
}

// RelativeLocations makes every Location a path without a host.
func RelativeLocations() registrytest.Middleware {
	return locations(func(u *url.URL, _ *http.Request) { u.Scheme, u.Host = "", "" })
}

// AbsoluteLocations makes every Location name scheme and host of the request.
func AbsoluteLocations() registrytest.Middleware {
	return locations(func(u *url.URL, r *http.Request) {
		u.Scheme, u.Host = "http", r.Host
		if r.TLS != nil {
			u.Scheme = "https"
		}
	})
}

func locations(change func(*url.URL, *http.Request)) registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			registry.ServeHTTP(&replyWriter{ResponseWriter: w, edit: func(_ int, header http.Header) {
				if u, err := url.Parse(header.Get("Location")); err == nil && u.Path != "" {
					change(u, r)
					header.Set("Location", u.String())
				}
			}}, r)
		})
	}
}
