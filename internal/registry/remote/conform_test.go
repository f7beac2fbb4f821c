package remote

import (
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/contract"
)

func TestClientsConform(t *testing.T) {
	kinds := map[string]func(testing.TB, registrytest.Options) *registrytest.Registry{
		"in process": registrytest.InProcess, "debian": registrytest.Debian, "distribution": registrytest.Distribution,
	}
	for name, start := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := New(start(t, registrytest.Options{}).Host, Options{Side: registry.SideTarget, Push: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			contract.Target(t, client, contract.NewContent(t, "team/app", "v1"))
		})
	}
}
