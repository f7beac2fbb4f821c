// Package helm is helm as installing uses it: it brings releases about, reads what is recorded
// of them, and removes them.
//
// Open gives the Releases of one namespace. No other package imports helm's actions, and none
// sees a type of helm's: a release is a Revision here, so that another major version of helm
// changes this package alone.
package helm
