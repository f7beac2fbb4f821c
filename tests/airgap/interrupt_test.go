package airgap_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// A save that is killed leaves no bundle, and carries on where it was: the registry hands
// out little more than every byte once.
func TestAKilledSaveGoesOn(t *testing.T) {
	t.Parallel()
	behind := registrytest.Debian(t, registrytest.Options{})
	const bytesInAll = 60 << 20
	release, err := standin.New(standin.Options{Bytes: bytesInAll})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release.Push(t.Context(), versions.Registry{Host: behind.Host}, behind.Remote(t.Context())...); err != nil {
		t.Fatal(err)
	}
	counter := &registrytest.Counter{}
	source := registrytest.Front(t, behind, counter.Wrap)
	d := newDesk(t)
	args := []string{"save", "--source", source.Host, "-f", "pg.tar", "--limit-rate", "20MiB"}
	for range 2 {
		file, err := program()
		if err != nil {
			t.Fatal(err)
		}
		cmd := d.command(t, file, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		before := counter.Counts().BytesSent
		for counter.Counts().BytesSent < before+bytesInAll/4 {
			time.Sleep(10 * time.Millisecond)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if found, _ := filepath.Glob(d.path("pg.tar")); len(found) > 0 {
			t.Fatal("a bundle has its name before it is complete")
		}
	}
	out := d.pgrelocate(t, "save", "--source", source.Host, "-f", "pg.tar")
	if !strings.Contains(out, "of an interrupted run: ") {
		t.Errorf("nothing was carried on with:\n%s", out)
	}
	d.pgrelocate(t, "bundle", "verify", "pg.tar")
	d.run(t, "sha256sum", "-c", "pg.tar.sha256")
	// Each kill costs what is on the wire and what the journal has not noted: 8 blobs, 1 MiB each.
	if sent := counter.Counts().BytesSent; sent > bytesInAll+2*8*(2<<20) {
		t.Errorf("the registry sent %d bytes for a bundle of %d", sent, bytesInAll)
	}
}

// A delta is loaded where the registry mounts nothing, too: what it leaves out is read
// from the registry itself.
func TestADeltaWithoutMounting(t *testing.T) {
	t.Parallel()
	source, behind := registrytest.Debian(t, registrytest.Options{}), registrytest.Debian(t, registrytest.Options{})
	vendor(t, source)
	target := registrytest.Front(t, behind, registrytest.NoMount())
	d := newDesk(t)
	// The operator shares a layer with the instances, which are in another repository.
	d.pgrelocate(t, "save", "--source", source.Host, "-f", "first.tar", "--versions", "17.5", "--editions", "full", "--extras", "none")
	d.pgrelocate(t, "load", "-f", "first.tar", "--registry", target.Host)
	d.pgrelocate(t, "save", "--source", source.Host, "-f", "next.tar", "--since", "first.tar")
	out := d.pgrelocate(t, "load", "-f", "next.tar", "--registry", target.Host)
	if !strings.Contains(out, "20 copied, 3 present") {
		t.Errorf("load of the delta:\n%s", out)
	}
	if got := plain(behind.Contents(t)); len(got) != 24 {
		t.Errorf("the registry has %d tags, want 24: %v", len(got), got)
	}
}
