// Package archive reads what images come in: OCI image layouts and archives of "docker save",
// in folders, tars, compressed tars and volumes, and a vendor's download of such archives.
// Whatever it was, an Archive shows it as one image layout.
//
// Open is the door. It reads names and small tables, never the content of a blob, and bounds
// what a hostile archive can cost: entries, names, depth, sizes. What blobs hold is for the
// caller to check against their digests.
package archive
