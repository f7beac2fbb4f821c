// Package checkup looks for what keeps a cluster from running what was relocated: whether it can be
// reached, what it allows, what has to be there already, which nodes it has, and whether its pull
// secrets serve.
//
//	found, err := checkup.Run(ctx, checkup.Options{Cluster: c, Namespace: "postgres-system", …})
//
// It changes nothing: what has to be tried is tried in dry-run.
package checkup
