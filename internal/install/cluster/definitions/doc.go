// Package definitions is about a chart's CRDs: what would be lost where they take the place of those in the cluster, whether
// the API server takes them, how they come about before helm runs, and how they are put back as they were.
package definitions
