// Package plan finds out what a copy would do: it asks the target what it holds and the source
// what there is, reads the manifests that are missing with everything attached to them, and
// lists the distinct blobs that have to move.
//
//	p, err := plan.New(ctx, registry.Endpoints{Source: source, Target: target}, artifacts, plan.Options{})
package plan
