// Package holdings answers what of some content a registry really holds. A tag that is there
// proves its manifest and nothing more: the blobs may be gone.
//
//	inspector := holdings.NewInspector(target)
//	missing, err := inspector.Missing(ctx, "team/postgres-operator", "sha256:…")
package holdings
