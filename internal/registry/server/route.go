package server

import "strings"

// endpoint is a kind of path of the distribution API.
type endpoint int

const (
	atNowhere   endpoint = iota // not below /v2/
	atUnknown                   // below it, and nothing there
	atBase                      // /v2/
	atCatalog                   // /v2/_catalog
	atTags                      // /v2/NAME/tags/list
	atManifest                  // /v2/NAME/manifests/REFERENCE
	atBlob                      // /v2/NAME/blobs/DIGEST
	atReferrers                 // /v2/NAME/referrers/DIGEST
	atUploads                   // /v2/NAME/blobs/uploads/
	atUpload                    // /v2/NAME/blobs/uploads/ID
)

// route is a path, taken apart.
type route struct {
	endpoint   endpoint
	repository string
	// reference is a tag, a digest or an upload's id, unchecked.
	reference string
}

// locate takes a path apart, from the right: a repository's name may hold any word.
func locate(path string) route {
	rest, ok := strings.CutPrefix(path, "/v2")
	if !ok || rest != "" && rest[0] != '/' {
		return route{endpoint: atNowhere}
	}
	switch rest = strings.Trim(rest, "/"); rest {
	case "":
		return route{endpoint: atBase}
	case "_catalog":
		return route{endpoint: atCatalog}
	}
	head, last := cutLast(rest)
	repository, word := cutLast(head)
	switch {
	case word == "tags" && last == "list":
		return below(atTags, repository, "")
	case word == "manifests":
		return below(atManifest, repository, last)
	case word == "referrers":
		return below(atReferrers, repository, last)
	case word == "blobs" && last == "uploads":
		return below(atUploads, repository, "")
	case word == "blobs":
		return below(atBlob, repository, last)
	case word == "uploads" && strings.HasSuffix(repository, "/blobs"):
		return below(atUpload, strings.TrimSuffix(repository, "/blobs"), last)
	}
	return route{endpoint: atUnknown}
}

// below is a place of a repository; without a name there is none.
func below(e endpoint, repository, reference string) route {
	if repository == "" {
		return route{endpoint: atUnknown}
	}
	return route{endpoint: e, repository: repository, reference: reference}
}

// cutLast takes the last element off a path.
func cutLast(path string) (head, last string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}
