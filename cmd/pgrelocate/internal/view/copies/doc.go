// Package copies has the results of what moves artifacts: plans, copies, bundles, what was pruned.
package copies
