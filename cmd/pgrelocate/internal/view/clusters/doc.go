// Package clusters has the results of what a cluster is for: installing, checking, secrets, doctor.
package clusters
