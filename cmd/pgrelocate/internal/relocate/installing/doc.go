// Package installing holds the use cases that act on a cluster, or say what they would do there.
package installing
