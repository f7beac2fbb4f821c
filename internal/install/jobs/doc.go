// Package jobs makes the program run in a cluster: a CronJob for a mirror by night, an Indexed Job for a
// large one, and what keeps pull secrets. Its pods ask for no more than the restricted Pod Security
// level allows, and have no token for the cluster but where their work is in it.
//
//	objects, err := jobs.Mirror(pod, jobs.MirrorOptions{Plan: plan, Workers: 4})
package jobs
