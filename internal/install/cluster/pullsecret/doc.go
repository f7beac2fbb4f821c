// Package pullsecret makes the pull secrets by which nodes log in to the private registry, puts new
// credentials into them, and reads those of others.
//
// Apply creates or updates one in a cluster, and leaves alone what is not ours.
package pullsecret
