package cluster_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// said is what a program that runs has said so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// Namespaces get their pull secret as they come, and another one when the credentials change. What
// the registry refuses takes the place of nothing.
func TestWatchedNamespaces(t *testing.T) {
	s := newSite(t)
	connected := connect(t, server.adminFile)
	name := s.namespace + "-watched"
	file := filepath.Join(t.TempDir(), "robot")
	give := func(account registrytest.Account) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(account.Username+":"+account.Password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil { // as a mounted secret is renewed, at once
			t.Fatal(err)
		}
	}
	give(puller)
	var out said
	watch := s.bare(t, "secret", "--registry", s.Registry.Host, "--kubeconfig", server.adminFile,
		"--watch-namespaces", "watched-by="+s.namespace, "--every", "1s", "--pull-credentials-file", file)
	watch.Stderr = &out
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = watch.Process.Kill() }()
	namespace := "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", labels: {watched-by: " + s.namespace + "}}\n"
	if err := lab.ApplyText(t.Context(), s.admin, []byte(namespace), nil); err != nil {
		t.Fatal(err)
	}
	until := func(what string, holds func() bool) {
		t.Helper()
		for begin := time.Now(); !holds(); time.Sleep(50 * time.Millisecond) {
			if time.Since(begin) > 30*time.Second {
				t.Fatalf("%s has not come to be; the watch said\n%s", what, out.String())
			}
		}
	}
	stored := func(account registrytest.Account) func() bool {
		return func() bool {
			got, err := pullsecret.Stored(t.Context(), connected, name, lab.PullSecret, s.Registry.Host)
			return err == nil && got == lab.Credentials(account)
		}
	}
	until("the secret of a new namespace", stored(puller))
	give(owner)
	until("the renewed secret", stored(owner))
	give(registrytest.Account{Username: owner.Username, Password: "refused-password"})
	until("a warning of what the registry refuses", func() bool { return strings.Contains(out.String(), "it is tried again") })
	if !stored(owner)() {
		t.Error("credentials that the registry refuses took the place of good ones")
	}
	if strings.Contains(out.String(), "refused-password") || strings.Contains(out.String(), owner.Password) {
		t.Errorf("the watch tells a password:\n%s", out.String())
	}
}
