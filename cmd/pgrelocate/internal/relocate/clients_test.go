package relocate

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Authorities, rates and counting hold for every client that a run makes: for those with which
// install, verify, secret and login ask a registry too.
func TestSettingsHoldForEveryClient(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	for _, variable := range config.Credentials {
		t.Setenv(variable, "")
	}
	r := registrytest.InProcess(t, registrytest.Options{TLS: true})
	image, err := random.Image(300<<10, 1)
	if err != nil {
		t.Fatal(err)
	}
	r.Push(t, "app:v1", image)
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := layers[0].Digest()
	size, _ := layers[0].Size()
	blob := v1.Descriptor{Digest: digest, Size: size}

	open := map[string]func(*Clients) (*remote.Client, error){
		"source":                  func(c *Clients) (*remote.Client, error) { return c.Source(t.Context(), r.Host, r.Host) },
		"target":                  func(c *Clients) (*remote.Client, error) { return c.Target(t.Context(), false) },
		"install, verify, secret": func(c *Clients) (*remote.Client, error) { return c.As(t.Context(), r.Host, credentials.Login{}) },
		"login":                   func(c *Clients) (*remote.Client, error) { return c.Trying(t.Context(), r.Host, credentials.Login{}) },
	}
	for name, client := range open {
		t.Run(name, func(t *testing.T) {
			cfg := config.Defaults()
			cfg.Registry, cfg.CAFile, cfg.LimitRate = ref.Folder{Host: r.Host}, r.CAFile, 200<<10
			s := New(cfg, Options{})
			defer s.Close()
			started := time.Now()
			// Two clients of one registry share one limit.
			for range 2 {
				c, err := client(s.Clients)
				if err != nil {
					t.Fatal(err)
				}
				read(t, c, blob)
			}
			// 600 KiB less the quarter of a second's worth that may come at once.
			if took := time.Since(started); took < 2*time.Second {
				t.Errorf("two reads of 300 KiB at 200 KiB a second took %v, want more than 2s", took)
			}
			counted := s.Clients.ToTarget.Counts()
			if name == "source" {
				counted = s.Clients.FromSource.Counts()
			}
			if counted.Requests < 2 || counted.BytesRead < 2*size {
				t.Errorf("counted %+v, want both reads of %d bytes", counted, size)
			}
		})
	}
}

func read(t *testing.T, c *remote.Client, blob v1.Descriptor) {
	t.Helper()
	content, err := c.Blob(t.Context(), "app", blob, 0, blob.Size)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if _, err := io.Copy(io.Discard, content); err != nil {
		t.Fatal(err)
	}
}

// No command makes clients of its own.
func TestOneConstructorOfClients(t *testing.T) {
	var callers []string
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for range strings.Count(string(text), "remote.New(") + strings.Count(string(text), "transport.New(") {
			callers = append(callers, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(callers) != 1 || callers[0] != "clients.go" {
		t.Errorf("clients are made in %v, want one place in clients.go", callers)
	}
}

// The login in the environment is for the product's own registry: prerequisites, what a chart
// names besides, and chart repositories neither get it nor keep it from there.
func TestOwnerOfCredentials(t *testing.T) {
	at := func(product, host string, role versions.Role, chartURL string) versions.Artifact {
		return versions.Artifact{Product: product, Role: role, ChartURL: chartURL, Source: ref.Reference{Host: host}}
	}
	own := at("tanzu", "own.example.com", versions.RoleOperator, "")
	others := []versions.Artifact{
		own, at("cert-manager", "quay.example.com", versions.RoleOperator, ""),
		at("tanzu", "hub.example.com", versions.RoleChartImage, ""), at("tanzu", "charts.example.com", versions.RoleChart, "https://charts.example.com"),
	}
	if got := OwnerOfCredentials(&config.Config{}, others); got != "own.example.com" {
		t.Errorf("ownerOfCredentials() = %q, want the product's own registry", got)
	}
	if got := OwnerOfCredentials(&config.Config{}, append(others, at("tanzu", "second.example.com", versions.RoleInstance, ""))); got != "" {
		t.Errorf("ownerOfCredentials(two registries) = %q, want none", got)
	}
}
