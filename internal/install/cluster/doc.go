// Package cluster does to a Kubernetes cluster what installing asks of it: it finds the
// cluster, looks after namespaces and CRDs, asks what is allowed, and finds what is there.
//
// Connect gives a Cluster, whose methods take objects and names. Nothing here knows of a run,
// of Helm's releases, or of a product.
package cluster
