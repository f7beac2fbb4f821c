// Package install takes a cluster from nothing to an operator that runs from the private
// registry, and proves that what it offers can be pulled.
//
// Connect gives a Cluster. Prepare pulls the chart, renders it with the rewritten values
// and asks the registry for every image, without a cluster; Run installs, Verify checks an
// installation, Secrets looks after pull secrets, Uninstall takes everything away again
// but the databases.
//
// Nothing here prints: progress goes to Hooks, results are values, and failures are
// errors, most of them an *Error that says what is left and what to do.
package install
