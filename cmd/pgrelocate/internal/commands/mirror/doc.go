// Package mirror holds the commands that bring a product into the private registry, and show
// what there is of it.
package mirror
