// Package inventory holds the use cases that say what is there: which versions exist and which of them
// the private registry holds, receipts, and whether it holds what a bundle does.
package inventory
