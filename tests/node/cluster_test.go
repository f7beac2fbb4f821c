package node_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// cluster is a whole Kubernetes of one node.
type cluster struct {
	dir, bin                 string
	admin                    *rest.Config
	adminFile, installerFile string
	// wait is a static program that waits, and standIn one that stands in for cert-manager's.
	wait, standIn string
	environment   *envtest.Environment
	processes     []*process
	certManager   *lab.CertManager
}

// binaries are what `make test-node` builds or installs.
var binaries = []string{"kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler", "kubelet", "runc"}

func boot(ctx context.Context, bin, dir, pause string) (*cluster, error) {
	c := &cluster{dir: dir, bin: bin, adminFile: filepath.Join(dir, "admin"), installerFile: filepath.Join(dir, "installer")}
	for _, do := range []func(context.Context) error{
		c.controlPlane, c.controllers,
		func(context.Context) error { return c.containerd(pause) },
		c.kubelet, c.ready, c.furnish,
	} {
		if err := do(ctx); err != nil {
			return c, fmt.Errorf("%w\n%s", err, c.tails())
		}
	}
	return c, nil
}

func (c *cluster) controlPlane(context.Context) (err error) {
	c.environment = &envtest.Environment{BinaryAssetsDirectory: c.bin}
	// There is no kube-proxy: webhooks are reached at their pods' own addresses, and no DNS: the kubelet is
	// reached at its address, for the logs of pods. Pods get the pull secrets of their service
	// accounts, which the environment would leave out.
	c.environment.ControlPlane.GetAPIServer().Configure().
		Set("kubelet-preferred-address-types", "InternalIP").
		Set("enable-aggregator-routing", "true").
		Disable("disable-admission-plugins")
	if c.admin, err = c.environment.Start(); err != nil {
		return err
	}
	return os.WriteFile(c.adminFile, c.environment.KubeConfig, 0o600)
}

func (c *cluster) run(name string, args ...string) error {
	path := "PATH=" + c.bin + string(os.PathListSeparator) + os.Getenv("PATH") + ":/usr/sbin:/sbin"
	binary := filepath.Join(c.bin, name)
	if _, err := os.Stat(binary); err != nil {
		if binary, err = exec.LookPath(name); err != nil {
			return err
		}
	}
	p, err := start(c.dir, name, []string{path}, binary, args...)
	if err == nil {
		c.processes = append(c.processes, p)
	}
	return err
}

func (c *cluster) controllers(context.Context) error {
	authority := filepath.Join(c.dir, "authority.crt") // without it no pod has a service account
	return errors.Join(
		os.WriteFile(authority, c.admin.CAData, 0o600),
		c.run("kube-controller-manager", "--kubeconfig="+c.adminFile, "--root-ca-file="+authority, "--leader-elect=false", "--use-service-account-credentials=false", "--secure-port=0"),
		c.run("kube-scheduler", "--kubeconfig="+c.adminFile, "--leader-elect=false", "--secure-port=0"),
	)
}

const containerdConfig = `version = 2
root = "%[1]s/root"
state = "%[1]s/state"
[grpc]
  address = "%[1]s/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "%[1]s/opt"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "%[2]s"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "%[1]s/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "%[1]s/certs.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = "%[3]s/runc"
`

const network = `{"cniVersion":"0.4.0","name":"pgrelocate","plugins":[{"type":"ptp","ipMasq":false,
"ipam":{"type":"host-local","dataDir":"%s/ipam","ranges":[[{"subnet":"%s.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}`

// podNet is the network of the pods, one of this process: two nodes on one machine would give the
// same address to two pods, and the kernel would route to one of them.
var podNet = fmt.Sprintf("10.244.%d", 1+os.Getpid()%250)

// gateway is the node as its pods reach it.
var gateway = podNet + ".1"

func (c *cluster) socket() string { return filepath.Join(c.dir, "containerd.sock") }

func (c *cluster) containerd(pause string) error {
	if err := os.MkdirAll(filepath.Join(c.dir, "cni"), 0o755); err != nil {
		return err
	}
	config := filepath.Join(c.dir, "containerd.toml")
	err := errors.Join(
		os.WriteFile(filepath.Join(c.dir, "cni", "10-pgrelocate.conflist"), fmt.Appendf(nil, network, c.dir, podNet), 0o600),
		os.WriteFile(config, fmt.Appendf(nil, containerdConfig, c.dir, pause, c.bin), 0o600),
		c.run("containerd", "--config", config),
	)
	if err != nil {
		return err
	}
	return eventually(30*time.Second, "containerd does not listen", func() bool {
		connection, err := net.Dial("unix", c.socket())
		if err == nil {
			connection.Close()
		}
		return err == nil
	})
}

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://%[1]s/containerd.sock
podLogsDir: %[1]s/pod-logs
port: %[2]d
healthzPort: 0
cgroupDriver: cgroupfs
failSwapOn: false
failCgroupV1: false
cgroupsPerQOS: false
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
evictionHard: {memory.available: 1Mi, nodefs.available: 1%%, imagefs.available: 1%%, nodefs.inodesFree: 1%%}
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
clusterDNS: ["10.96.0.10"]
resolvConf: ""
`

func (c *cluster) kubelet(context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	config := filepath.Join(c.dir, "kubelet.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, kubeletConfig, c.dir, port), 0o600); err != nil {
		return err
	}
	return c.run("kubelet", "--config="+config, "--kubeconfig="+c.adminFile, "--hostname-override=node1",
		"--root-dir="+filepath.Join(c.dir, "kubelet"), "--cert-dir="+filepath.Join(c.dir, "kubelet-pki"), "--node-ip="+address())
}

// address is one of this machine's that is no loopback address: a node has none of these, and the logs of
// its pods could not be read.
func address() string {
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		if on, ok := a.(*net.IPNet); ok && on.IP.To4() != nil && on.IP.IsGlobalUnicast() && !strings.HasPrefix(on.IP.String(), podNet) {
			return on.IP.String()
		}
	}
	return "127.0.0.1"
}

// trust tells the node how to reach a registry over HTTPS: by default containerd takes a
// loopback address for plain HTTP. An empty authority is one that the node does not know.
func (c *cluster) trust(host, authority string) error {
	text := fmt.Sprintf("server = \"https://%[1]s\"\n[host.\"https://%[1]s\"]\ncapabilities = [\"pull\", \"resolve\"]\n", host)
	if authority != "" {
		text += fmt.Sprintf("ca = %q\n", authority)
	}
	dir := filepath.Join(c.dir, "certs.d", host)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(text), 0o600)
}

// ready waits for the node.
func (c *cluster) ready(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.admin)
	if err != nil {
		return err
	}
	return eventually(2*time.Minute, "the node does not become ready", func() bool {
		node, err := client.CoreV1().Nodes().Get(ctx, "node1", metav1.GetOptions{})
		if err != nil {
			return false
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == "Ready" && condition.Status == "True" {
				return len(node.Spec.Taints) == 0
			}
		}
		return false
	})
}

// furnish is what an administrator would do.
func (c *cluster) furnish(ctx context.Context) (err error) {
	if err := lab.Apply(ctx, c.admin, filepath.Join("..", "..", "examples", "rbac.yaml"), nil); err != nil {
		return err
	}
	if err := lab.WriteKubeconfig(ctx, c.admin, c.installerFile, "pgrelocate", "pgrelocate"); err != nil {
		return err
	}
	c.certManager, err = lab.StartCertManager(ctx, c.admin)
	return err
}

// stop ends everything that boot has started, and leaves nothing mounted.
func (c *cluster) stop() error {
	for i := len(c.processes) - 1; i >= 0; i-- {
		c.processes[i].stop()
	}
	killShims(c.socket())
	if c.certManager != nil {
		c.certManager.Close()
	}
	var failures []error
	if c.environment != nil {
		failures = append(failures, c.environment.Stop())
	}
	return errors.Join(append(failures, unmount(c.dir))...)
}

func (c *cluster) tails() string {
	var all []string
	for _, p := range c.processes {
		all = append(all, p.tail())
	}
	return strings.Join(all, "\n\n")
}

// eventually waits until something holds.
func eventually(patience time.Duration, otherwise string, holds func() bool) error {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(200 * time.Millisecond) {
		if holds() {
			return nil
		}
	}
	return fmt.Errorf("%s after %s", otherwise, patience)
}
