// Package independence tells what in a cluster would stop if somebody's registry went away tomorrow:
// every string in it that names one, with whose it is.
//
//	report, err := independence.Look(ctx, independence.Options{Cluster: c, Hosts: hosts, Ours: folder})
package independence
