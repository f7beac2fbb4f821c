// Package figures is what a benchmark has measured: the rows of its parts, the tables and pictures that
// show them, and the bars that pgrelocate has to reach. It measures nothing.
package figures
