// Package about holds the commands about the program itself, and its demonstration.
package about
