package server_test

import (
	"net"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/contract"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/server"
	"github.com/pgrelocate/pgrelocate/internal/registry/server/store"
)

// The registry of the demonstration is a target like any other.
func TestOurRegistryConforms(t *testing.T) {
	content, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	running := server.Start(t.Context(), listener, server.NewWritable(content))
	t.Cleanup(func() { _ = running.Close() })
	client, err := remote.New(running.Host, remote.Options{Side: registry.SideTarget, Push: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	contract.Target(t, client, contract.NewContent(t, "team/app", "v1"))
}
