// Package transfer carries a plan out: it moves each distinct blob once, mounts it where else
// it is needed, and puts manifests when all that they name is there, tags last.
//
//	report, err := transfer.Copy(ctx, ends, plan, transfer.Options{Meter: meter})
package transfer
