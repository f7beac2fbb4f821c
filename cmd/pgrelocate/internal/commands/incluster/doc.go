// Package incluster holds the commands that act on a cluster, or say what they would do there.
package incluster
