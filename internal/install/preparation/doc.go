// Package preparation makes a release ready to install, and needs no cluster for it: the chart is
// pulled and rendered with the rewritten values, every image of the rendering lies below the target,
// and the private registry is asked for each.
//
// Prepare gives what helm will install, Prepared.Resolve asks the registry; what cannot be pulled is
// left out by Prepared.OnlyMirrored, and Prepared.CheckSent holds what helm then sends against it.
package preparation
