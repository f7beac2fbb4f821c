package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
	"github.com/pgrelocate/pgrelocate/tests/internal/program"
)

// server is the API server that all tests share; nil where its binaries are absent.
var server *apiServer

type apiServer struct {
	admin *rest.Config
	// adminFile and installerFile are kubeconfigs.
	adminFile, installerFile string
	certManager              *lab.CertManager
	// release is the folder of a registry's content, with the whole release once relocate is done.
	release  string
	relocate sync.Once
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		assets = filepath.Join("..", "..", ".cache", "bin")
	}
	for _, binary := range []string{"kube-apiserver", "etcd"} {
		if _, err := os.Stat(filepath.Join(assets, binary)); err != nil {
			fmt.Fprintf(os.Stderr, "%s is absent; make test-deps builds it\n", filepath.Join(assets, binary))
			if os.Getenv("PGRELOCATE_REQUIRE_REAL") != "" {
				return 1
			}
			return m.Run()
		}
	}
	environment := &envtest.Environment{BinaryAssetsDirectory: assets}
	admin, err := environment.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "starting the API server:", err)
		return 1
	}
	defer func() { _ = environment.Stop() }()
	dir, err := os.MkdirTemp("", "pgrelocate-cluster")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if server, err = setUp(admin, environment, dir); err != nil {
		fmt.Fprintln(os.Stderr, "setting the API server up:", err)
		return 1
	}
	defer server.certManager.Close()
	defer program.Remove()
	return m.Run()
}

// setUp gives the API server what an administrator would: cert-manager, and the service
// account of the example manifest.
func setUp(admin *rest.Config, environment *envtest.Environment, dir string) (*apiServer, error) {
	ctx := context.Background()
	s := &apiServer{admin: admin, adminFile: filepath.Join(dir, "admin"), installerFile: filepath.Join(dir, "installer"), release: filepath.Join(dir, "release")}
	if err := os.WriteFile(s.adminFile, environment.KubeConfig, 0o600); err != nil {
		return nil, err
	}
	if err := lab.Apply(ctx, admin, filepath.Join("..", "..", "examples", "rbac.yaml"), nil); err != nil {
		return nil, err
	}
	if err := lab.WriteKubeconfig(ctx, admin, s.installerFile, "pgrelocate", "pgrelocate"); err != nil {
		return nil, err
	}
	var err error
	s.certManager, err = lab.StartCertManager(ctx, admin)
	return s, err
}

// need returns the API server, or skips.
func need(t *testing.T) *apiServer {
	t.Helper()
	if server == nil {
		t.Skip("kube-apiserver and etcd are absent; make test-deps builds them")
	}
	return server
}

// forgetSecrets removes the pull secrets in a namespace, and in those called after it. One that stays would
// be renewed with those of a later test whose registry happens to get the same port.
func (s *apiServer) forgetSecrets(ctx context.Context, namespace string) error {
	reached, err := cluster.Connect(ctx, cluster.Access{Kubeconfig: s.adminFile})
	if err != nil {
		return err
	}
	all, err := pullsecret.List(ctx, reached)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(s.admin)
	if err != nil {
		return err
	}
	for _, secret := range all {
		if secret.Namespace != namespace && !strings.HasPrefix(secret.Namespace, namespace+"-") {
			continue
		}
		if err := client.CoreV1().Secrets(secret.Namespace).Delete(ctx, secret.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func (s *apiServer) client(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	client, err := kubernetes.NewForConfig(s.admin)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
