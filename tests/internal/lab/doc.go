// Package lab is what the tests of clusters have in common: a private registry with a
// relocated release, and as much of cert-manager as an API server sees of it.
package lab
