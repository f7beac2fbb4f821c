package integration_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/tests/internal/program"
)

// branches is a release that goes to two registries at once.
type branches struct {
	rigs       [2]*rig // of one source
	alarms     [2]alarm
	family     *family
	artifacts  [2][]versions.Artifact
	file, home string
}

func newBranches(t *testing.T) *branches {
	t.Helper()
	file, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	b := &branches{file: file, home: t.TempDir()}
	source := newSide(t, debian(t), registrytest.Finishing)
	for i, behind := range []*registrytest.Registry{debian(t), registrytest.Distribution(t, registrytest.Options{})} {
		b.rigs[i] = &rig{source: source, target: newSide(t, behind, registrytest.Finishing, b.alarms[i].Wrap)}
		b.artifacts[i] = b.rigs[i].artifacts(t, versions.Selection{Releases: []string{"v4.3.1"}})
	}
	b.family = pushFamily(t, b.rigs[0], standin.Options{Bytes: 4 << 20})
	return b
}

func debian(t *testing.T) *registrytest.Registry {
	t.Helper()
	return registrytest.Debian(t, registrytest.Options{})
}

func (b *branches) command(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), b.file, "copy", "--release", "v4.3.1", "--source", b.rigs[0].source.Host,
		"--registry", b.rigs[0].target.Host, "--registry", b.rigs[1].target.Host, "-o", "json")
	cmd.Dir = b.home
	cmd.Env = []string{"HOME=" + b.home, "DOCKER_CONFIG=" + b.home, "TMPDIR=" + b.home, "PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return cmd
}

// settle waits until the registries have done what the killed program has still asked for.
func (b *branches) settle(t *testing.T) {
	t.Helper()
	for _, side := range []*side{b.rigs[0].source, b.rigs[0].target, b.rigs[1].target} {
		side.Settle(t)
	}
}

// lacking are the blobs of which one target at least has none where it needs them, and those of which it
// has none anywhere: from another repository a blob may be mounted, where the program knows of it.
func (b *branches) lacking(t *testing.T) (here, anywhere map[string]int64) {
	t.Helper()
	here, anywhere = map[string]int64{}, map[string]int64{}
	for i, r := range b.rigs {
		there, found := b.blobsAt(t, r, b.artifacts[i])
		for place := range there {
			if _, digest, _ := strings.Cut(place, "@"); !there[place] {
				here[digest] = b.family.blobs[digest]
			}
		}
		for digest, size := range b.family.blobs {
			if !found[digest] {
				anywhere[digest] = size
			}
		}
	}
	return here, anywhere
}

// blobsAt says of each blob whether the target has it, by REPOSITORY@DIGEST, and which it has at all.
func (b *branches) blobsAt(t *testing.T, r *rig, artifacts []versions.Artifact) (there, found map[string]bool) {
	t.Helper()
	puller, err := remote.NewPuller(r.target.Remote(t.Context())...)
	if err != nil {
		t.Fatal(err)
	}
	there, found = map[string]bool{}, map[string]bool{}
	for _, a := range artifacts {
		image, err := remote.Image(r.source.Reference(t, sourceName(a)), r.source.Remote(t.Context())...)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range append(manifest.Layers, manifest.Config) {
			digest := d.Digest.String()
			place := a.Target.Repository + "@" + digest
			if _, known := there[place]; known {
				continue
			}
			blob, err := puller.Layer(t.Context(), r.target.Reference(t, place).Context().Digest(digest))
			if err == nil {
				_, err = blob.Size()
			}
			there[place] = err == nil
			found[digest] = found[digest] || err == nil
		}
	}
	return there, found
}

// A copy to two registries that is killed, whenever, leaves no tag at either that cannot be pulled, and
// loses none. The same command again makes both whole: it fetches what one of them lacks, once for both,
// and says of each what was there before and what was not.
func TestKilledBetweenTwoTargets(t *testing.T) {
	t.Parallel()
	b := newBranches(t)
	kills := []struct {
		at    int // the target at which the requests are counted
		after int
		kinds []registrytest.Kind
	}{
		{0, 25, nil},
		{1, 3, []registrytest.Kind{registrytest.PutManifest}}, // some tags are there, and many are not
	}
	var tags [2]int
	for _, kill := range kills {
		cmd := b.command(t)
		started := make(chan struct{})
		b.alarms[kill.at].set(kill.after, func() { <-started; _ = cmd.Process.Kill() }, kill.kinds...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		close(started)
		_ = cmd.Wait()
		if cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("copy ended by itself with %v, before request %d %v:\n%s", cmd.ProcessState, kill.after, kill.kinds, output(cmd))
		}
		b.settle(t)
		wantEmpty(t, b.home)
		for i, r := range b.rigs {
			before := tags[i]
			tags[i] = len(r.target.Contents(t)) // fails the test where a tag cannot be pulled
			t.Logf("killed at request %d %v of %d: target %d has %d tags", kill.after, kill.kinds, kill.at, i, tags[i])
			if tags[i] < before {
				t.Errorf("target %d has %d tags, %d before: one was lost", i, tags[i], before)
			}
		}
	}
	here, anywhere := b.lacking(t)
	b.rigs[0].source.counter.Reset()
	b.completes(t, tags, here, anywhere)
}

// completes wants the copy to make both targets whole, and holds what it says against what was there before.
func (b *branches) completes(t *testing.T, tags [2]int, here, anywhere map[string]int64) {
	t.Helper()
	cmd := b.command(t)
	if code := run(t, cmd); code != 0 {
		t.Fatalf("copy = exit code %d, want 0:\n%s", code, output(cmd))
	}
	var said struct {
		BytesFetched int64
		Registries   []struct {
			ExitCode int
			Report   struct{ Copied, Present, Skipped, Failed, Incomplete int }
		}
	}
	decode(t, cmd, &said)
	fetched := b.rigs[0].source.counter.Counts().Served(registrytest.GetBlob)
	t.Logf("of %d blobs %d were missing where they are needed, %d at all: %d fetched, %d bytes", len(b.family.blobs), len(here), len(anywhere), fetched, said.BytesFetched)
	if fetched < len(anywhere) || fetched > len(here) || said.BytesFetched < bytesOf(anywhere) || said.BytesFetched > bytesOf(here) {
		t.Errorf("%d blobs and %d bytes were fetched, want what was missing, once for both: %d to %d, and %d to %d bytes",
			fetched, said.BytesFetched, len(anywhere), len(here), bytesOf(anywhere), bytesOf(here))
	}
	for i, r := range b.rigs {
		r.wantSame(t, b.artifacts[i])
		report := said.Registries[i].Report
		if said.Registries[i].ExitCode != 0 || report.Present != tags[i] || report.Copied != len(b.artifacts[i])-tags[i] || report.Skipped+report.Failed+report.Incomplete != 0 {
			t.Errorf("of target %d, where %d tags were, copy says %+v", i, tags[i], said.Registries[i])
		}
	}
}

func bytesOf(blobs map[string]int64) (sum int64) {
	for _, size := range blobs {
		sum += size
	}
	return sum
}
