// Package overviews has the results of what looks at artifacts: matrix, products, releases found,
// a mirror as it stands, differences.
package overviews
