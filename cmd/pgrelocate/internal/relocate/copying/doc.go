// Package copying holds the use cases that move artifacts, or say what would move: plan, copy, save
// and load.
package copying
