package airgap_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A save that is killed leaves no bundle, and carries on where it was: what is on the disk
// is not fetched again, but for what the journal had not noted yet.
func TestAKilledSaveGoesOn(t *testing.T) {
	t.Parallel()
	behind := registrytest.Debian(t, registrytest.Options{})
	const bytesInAll = 60 << 20
	release, err := standin.New(standin.Options{Bytes: bytesInAll})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release.Push(t.Context(), ref.Folder{Host: behind.Host}, behind.Remote(t.Context())...); err != nil {
		t.Fatal(err)
	}
	counter := &registrytest.Counter{}
	var hold faults.Hold
	source := registrytest.Front(t, behind, counter.Wrap, hold.Wrap)
	d := newDesk(t)
	for run := range 2 {
		// The source sends no more than that, so that the save cannot be over before it is killed.
		held := hold.Allow(bytesInAll * 3 / 8)
		d.killedSave(t, held, int64(run+1)*bytesInAll/4, "save", "--source", source.Host, "-f", "pg.tar")
		if found, _ := filepath.Glob(d.path("pg.tar")); len(found) > 0 {
			t.Fatal("a bundle has its name before it is complete")
		}
	}
	left := d.written(t, "pg.tar.partial")
	hold.Release()
	counter.Reset()
	result := d.save(t, "--source", source.Host, "-f", "pg.tar")
	// Of each of 8 blobs, the last MiB and a buffer may not have been noted.
	const unnoted = 8 * (1<<20 + 256<<10)
	const manifests = 256 << 10
	if blobs := result.BytesResumed + result.BytesFetched; result.BytesResumed < left-unnoted || blobs > result.UniqueBytes || blobs < result.UniqueBytes-manifests {
		t.Errorf("%d bytes were on the disk; carried on with %d and fetched %d of %d", left, result.BytesResumed, result.BytesFetched, result.UniqueBytes)
	}
	if sent := counter.Counts().BytesSent; sent > result.BytesFetched+manifests {
		t.Errorf("the registry sent %d bytes for %d that were missing", sent, result.BytesFetched)
	}
	d.pgrelocate(t, "bundle", "verify", "pg.tar")
	d.run(t, "sha256sum", "-c", "pg.tar.sha256")
}

// savedResult is what of a save's result matters here.
type savedResult struct{ UniqueBytes, BytesFetched, BytesResumed int64 }

func (d desk) save(t *testing.T, args ...string) savedResult {
	t.Helper()
	out, err := d.program(t, append([]string{"save", "-o", "json"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var s savedResult
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// killedSave runs a save and kills it once the source holds back and the partial file has that
// many bytes. What a registry has sent says less: some MiB a connection are under way.
func (d desk) killedSave(t *testing.T, held <-chan struct{}, atLeast int64, args ...string) {
	t.Helper()
	cmd := d.program(t, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-held:
	case err := <-ended:
		t.Fatalf("%v ended before the source held back: %v", args, err)
	}
	for deadline := time.Now().Add(patience); d.written(t, "pg.tar.partial") < atLeast; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%v has not written %d bytes in %v", args, atLeast, patience)
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%v: %v", args, <-ended)
}

// patience is how long to wait for what comes in any case, however busy the machine is.
const patience = 2 * time.Minute

// written is how much of a file with holes has content: its blocks that are not zero.
func (d desk) written(t *testing.T, name string) int64 {
	t.Helper()
	content, err := os.ReadFile(d.path(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var n int64
	var hole [4096]byte
	for block := range slices.Chunk(content, len(hole)) {
		if !bytes.Equal(block, hole[:len(block)]) {
			n += int64(len(block))
		}
	}
	return n
}

// A delta that goes into another folder of a registry than the bundle before it mounts what it
// leaves out from there: nothing of it is fetched or sent again.
func TestADeltaIntoAnotherFolder(t *testing.T) {
	t.Parallel()
	source, behind := vendor(t, registrytest.Debian), registrytest.Debian(t, registrytest.Options{})
	d := newDesk(t)
	save := []string{"save", "--source", source.Host, "--versions", "17.5", "--editions", "full", "--extras", "none", "-f"}
	d.pgrelocate(t, append(save, "first.tar")...)
	d.pgrelocate(t, "load", "-f", "first.tar", "--registry", behind.Host)
	d.pgrelocate(t, append(save, "next.tar", "--since", "first.tar")...)
	var counter registrytest.Counter
	target := registrytest.Front(t, behind, counter.Wrap)
	if out := d.pgrelocate(t, "plan", "next.tar", "--registry", target.Host+"/other"); !strings.Contains(out, "to move: 0 B in 0 blobs") {
		t.Errorf("plan of the delta:\n%s", out)
	}
	d.pgrelocate(t, "load", "-f", "next.tar", "--registry", target.Host+"/other")
	counts := counter.Counts()
	if counts.Total(registrytest.PutUpload, registrytest.PatchUpload, registrytest.GetBlob) != 0 {
		t.Errorf("the registry saw %s, want mounts alone", counts)
	}
}

// A delta is loaded where the registry mounts nothing, too: what it leaves out is read
// from the registry itself.
func TestADeltaWithoutMounting(t *testing.T) {
	t.Parallel()
	source, behind := vendor(t, registrytest.Debian), registrytest.Debian(t, registrytest.Options{})
	target := registrytest.Front(t, behind, faults.NoMount())
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
