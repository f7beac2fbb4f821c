// Package files is what the rest needs of a file system beyond package os: temporary files
// without a name, the room on a disk, a lock on a file, and copies that end with a context.
package files
