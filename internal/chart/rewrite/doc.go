// Package rewrite computes the values with which a chart runs from another registry: Rewrite.Values.
package rewrite
