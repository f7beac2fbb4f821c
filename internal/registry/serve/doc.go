// Package serve answers as a read-only OCI registry out of content that lies in a file
// or a directory. New makes the http.Handler; Authenticate asks for a password before
// it; Run serves until the context ends.
//
// The distribution specification's pulling and listing ends are there: manifests and
// blobs with HEAD and Range, tags with pages, referrers. Whatever would write is refused.
package serve
