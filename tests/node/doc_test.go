// Package node_test pulls for real: a control plane with its controllers, containerd and a
// kubelet run on this machine, and a private registry with basic authentication serves a
// relocated release to them. It needs Debian, root and what `make test-node` installs, and
// is skipped unless PGRELOCATE_TEST_NODE is set, as that does.
package node_test
