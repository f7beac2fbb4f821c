// Package cluster_test installs into a real API server: kube-apiserver and etcd, started
// by controller-runtime's envtest from KUBEBUILDER_ASSETS or, without that, from
// .cache/bin, where `make test` builds them. There are no controllers and no nodes here,
// so that nothing becomes ready unless a test plays their part; tests/node has both.
//
// Everything runs as the service account of examples/rbac.yaml, which holds the proof that
// those permissions are enough.
package cluster_test
