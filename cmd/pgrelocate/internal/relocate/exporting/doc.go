// Package exporting holds the use cases that write what others are configured with: other tools, and the
// nodes of a cluster.
package exporting
