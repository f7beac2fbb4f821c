package registrytest

import (
	"io"
	"net/http"
	"regexp"
	"strings"
)

// Kind is what a request of the distribution protocol asks for.
type Kind string

// The kinds of requests.
const (
	Ping         Kind = "ping"
	Token        Kind = "token" // everything that is not below /v2/
	GetManifest  Kind = "manifest GET"
	HeadManifest Kind = "manifest HEAD"
	PutManifest  Kind = "manifest PUT"
	GetBlob      Kind = "blob GET"
	HeadBlob     Kind = "blob HEAD"
	Mount        Kind = "mount POST" // an upload start that offers a blob to mount
	StartUpload  Kind = "upload POST"
	PatchUpload  Kind = "upload PATCH"
	PutUpload    Kind = "upload PUT"
	GetUpload    Kind = "upload GET" // how far is it
	CancelUpload Kind = "upload DELETE"
	ListTags     Kind = "tags GET"
	GetReferrers Kind = "referrers GET"
	Other        Kind = "other"
)

// Request is what a request of the distribution protocol is about.
type Request struct {
	Kind Kind
	// Repository is empty for Ping, Token and Other.
	Repository string
	// Reference is a manifest's tag or digest, a blob's or subject's digest, or the id
	// of an upload.
	Reference string
}

var (
	pathPattern = regexp.MustCompile(`^/v2/(.+)/(manifests|blobs/uploads|blobs|referrers|tags)/([^/]*)$`)
	underV2     = regexp.MustCompile(`^/v2(/|$)`)
)

var kinds = map[string]Kind{
	"GET manifests":        GetManifest,
	"HEAD manifests":       HeadManifest,
	"PUT manifests":        PutManifest,
	"GET blobs":            GetBlob,
	"HEAD blobs":           HeadBlob,
	"POST blobs/uploads":   StartUpload,
	"PATCH blobs/uploads":  PatchUpload,
	"PUT blobs/uploads":    PutUpload,
	"GET blobs/uploads":    GetUpload,
	"DELETE blobs/uploads": CancelUpload,
	"GET tags":             ListTags,
	"GET referrers":        GetReferrers,
}

// Classify tells what a request asks for. It never fails: what is unknown is Other.
func Classify(r *http.Request) Request {
	path := r.URL.Path
	switch {
	case !underV2.MatchString(path):
		return Request{Kind: Token}
	case path == "/v2" || path == "/v2/":
		return Request{Kind: Ping}
	}
	if strings.HasSuffix(path, "/blobs/uploads") { // some clients leave out the last slash
		path += "/"
	}
	parts := pathPattern.FindStringSubmatch(path)
	if parts == nil {
		return Request{Kind: Other}
	}
	kind, known := kinds[r.Method+" "+parts[2]]
	if !known {
		return Request{Kind: Other}
	}
	if kind == StartUpload && r.URL.Query().Has("mount") {
		kind = Mount
	}
	return Request{Kind: kind, Repository: parts[1], Reference: parts[3]}
}

// WithBody is the request with another body. It is a copy: net/http's server looks at the
// body of its own request to find out whether the client waits for a 100, and would hold
// back an answer that comes before the body.
func WithBody(r *http.Request, body io.ReadCloser) *http.Request {
	r = r.WithContext(r.Context())
	r.Body = body
	return r
}
