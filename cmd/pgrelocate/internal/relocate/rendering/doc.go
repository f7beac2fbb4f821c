// Package rendering holds the use cases about the charts of a release as they are installed from the private
// registry: which charts those are, the values that name that registry, and the manifests they come to.
package rendering
