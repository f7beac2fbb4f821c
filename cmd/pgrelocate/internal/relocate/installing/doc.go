// Package installing holds the use cases that take an operator into a cluster, hold it against what should be
// there, and take it out again.
package installing
