// Package discovery looks at the source for releases that the catalogue lacks.
package discovery
