package node_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// node is the cluster that all tests share; nil where they are not wanted.
var node *cluster

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv("PGRELOCATE_TEST_NODE") == "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "pgnode")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if node, err = bring(context.Background(), dir); node != nil {
		defer func() {
			if err := node.stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stopping the node:", err)
			}
		}()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "booting a node:", err)
		return 1
	}
	return m.Run()
}

// bring boots the cluster, with a registry that gives out the pause container's image.
func bring(ctx context.Context, dir string) (*cluster, error) {
	bin, err := filepath.Abs(filepath.Join("..", "..", ".cache", "bin"))
	if err != nil {
		return nil, err
	}
	for _, binary := range binaries {
		if _, err := os.Stat(filepath.Join(bin, binary)); err != nil {
			return nil, fmt.Errorf("%w: make test-node builds it", err)
		}
	}
	if os.Getuid() != 0 {
		return nil, fmt.Errorf("a node needs root")
	}
	wait, err := static(ctx, dir, "wait", "./testdata/wait")
	if err != nil {
		return nil, err
	}
	standIn, err := static(ctx, dir, "certmanager", "./testdata/certmanager")
	if err != nil {
		return nil, err
	}
	pause, err := servePause(wait, dir)
	if err != nil {
		return nil, err
	}
	c, err := boot(ctx, bin, dir, pause)
	c.wait, c.standIn = wait, standIn
	return c, err
}

// static builds a program that needs nothing beside it.
func static(ctx context.Context, dir, name, pkg string) (string, error) {
	file := filepath.Join(dir, name)
	build := exec.CommandContext(ctx, "go", "build", "-o", file, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return file, nil
}

// servePause serves an image that only waits, to everybody, until the process ends.
func servePause(wait, dir string) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	quiet := ggcr.Logger(discard)
	go func() { _ = http.Serve(listener, ggcr.New(quiet)) }()
	reference, err := name.NewTag(listener.Addr().String() + "/pause:1")
	if err != nil {
		return "", err
	}
	archive, err := tarOf(wait, dir)
	if err != nil {
		return "", err
	}
	layer, err := tarball.LayerFromFile(archive)
	if err != nil {
		return "", err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return "", err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return "", err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config.Entrypoint = "linux", "amd64", []string{"/wait"}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return "", err
	}
	return reference.String(), remote.Write(reference, image)
}
