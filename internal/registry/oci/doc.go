// Package oci knows manifests: what is one, what it links to, and how to go through all
// that lies below one without being led astray by who wrote it.
//
//	walk := oci.Walk{Fetch: fetch, Visit: visit}
//	err := walk.From(ctx, top)
package oci
