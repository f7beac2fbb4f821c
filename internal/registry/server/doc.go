// Package server answers as an OCI registry: New serves content that is only read, a bundle
// for example, and NewWritable content that is pushed to as well. Authenticate asks for a
// password first. Run serves in the foreground until its context ends, Start in the
// background until it is closed; both bound what clients can make them hold.
//
// What the distribution specification has for pulling and finding is there: manifests and
// blobs with HEAD and Range, tags with pages, referrers. So is what it has for pushing, where
// the content takes it: uploads whole and in chunks, mounts, manifests. Nothing is deleted.
//
//	http.Handler ◄── Authenticate ◄── Handler ──► Content, Writable
package server
