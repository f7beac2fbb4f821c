// Package fanout lets several copies, each to a target of its own, read from one source what each
// of them needs once: manifests and listings while they plan, and every blob while they move it. A
// copy knows nothing of the others: it has a source and a target as ever, which a Branch makes.
//
//	fan := fanout.New(ctx, open, fanout.Options{Branches: 2})
//	defer fan.Close()
//	branch := fan.Branch(0)
//	defer branch.End()
//	sides := registry.Endpoints{Source: branch.Source, Target: branch.Target(target)}
//	planned, err := plan.New(ctx, sides, artifacts, plan.Options{})
//	branch.Needs(planned.Blobs)
//	report, err := transfer.Copy(ctx, sides, planned, transfer.Options{})
//
// A blob that more than one branch needs is fetched into a temporary file as fast as the source
// gives it, and each branch reads it from there at its own pace: a slow one holds nobody up. It
// stays until the last branch that needs it has it. Where the file would get larger than
// Options.Limit, a branch reads for itself, and so does the next: that is counted, see Counts.
package fanout
