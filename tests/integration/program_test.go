package integration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"go.uber.org/goleak"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/tests/internal/program"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		program.Remove()
		os.Exit(code)
	}))
}

// user is somebody with a shell, a home of their own and a rig.
type user struct {
	rig  *rig
	file string // the program
	home string
}

// newUser has a rig of Debian's registry and distribution behind one private authority,
// with handlers before the target.
func newUser(t *testing.T, wrap ...registrytest.Middleware) *user {
	t.Helper()
	file, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	ca := registrytest.NewCA(t)
	source := registrytest.Debian(t, registrytest.Options{TLS: true, CA: ca, Accounts: accounts(vendorAccount)})
	target := registrytest.Distribution(t, registrytest.Options{
		TLS: true, CA: ca, Accounts: accounts(privateAccount), Tokens: &registrytest.TokenOptions{},
	})
	return &user{rig: &rig{source: newSide(t, source), target: newSide(t, target, wrap...)}, file: file, home: t.TempDir()}
}

// command is a call of the program: its two registries are given, and its credentials are
// in the environment.
func (u *user) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	args = append([]string{
		name, "--release", "v4.3.1", "--source", u.rig.source.Host, "--registry", u.rig.target.Host,
		"--ca-file", u.rig.source.CAFile,
	}, args...)
	cmd := exec.CommandContext(t.Context(), u.file, args...)
	cmd.Dir = u.home
	cmd.Env = []string{
		"HOME=" + u.home, "DOCKER_CONFIG=" + u.home, "TMPDIR=" + u.home, "PATH=" + os.Getenv("PATH"),
		"PGRELOCATE_SOURCE_USERNAME=" + vendorAccount.Username, "PGRELOCATE_SOURCE_PASSWORD=" + vendorAccount.Password,
		"PGRELOCATE_REGISTRY_USERNAME=" + privateAccount.Username, "PGRELOCATE_REGISTRY_PASSWORD=" + privateAccount.Password,
	}
	cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return cmd
}

// run runs a command to its end and returns its exit code.
func run(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	var ended *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	wantNoSecrets(t, cmd)
	return cmd.ProcessState.ExitCode()
}

func wantNoSecrets(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	for _, secret := range []string{vendorAccount.Password, privateAccount.Password} {
		if strings.Contains(output(cmd), secret) {
			t.Errorf("%v wrote the password %s:\n%s", cmd, secret, output(cmd))
		}
	}
}

// output is what a command wrote, to stdout first.
func output(cmd *exec.Cmd) string { return fmt.Sprint(cmd.Stdout, cmd.Stderr) }

// The program copies a release and says the same of it as the registries do.
func TestProgramCopies(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	artifacts := u.rig.artifacts(t, versions.Selection{Releases: []string{"v4.3.1"}})
	family := pushFamily(t, u.rig, standin.Options{})

	plan := u.command(t, "plan", "-o", "json")
	if code := run(t, plan); code != 0 {
		t.Fatalf("plan = exit code %d, want 0:\n%s", code, output(plan))
	}
	var planned struct{ BytesToMove int64 }
	decode(t, plan, &planned)
	if planned.BytesToMove != family.bytes() {
		t.Errorf("plan: %d bytes to move, want %d", planned.BytesToMove, family.bytes())
	}

	for _, round := range []string{"cold", "warm"} {
		cmd := u.command(t, "copy", "-v")
		if code := run(t, cmd); code != 0 {
			t.Fatalf("%s copy = exit code %d, want 0:\n%s", round, code, output(cmd))
		}
		t.Logf("%s copy:\n%s", round, output(cmd))
		u.rig.wantSame(t, artifacts)
	}
}

func decode(t *testing.T, cmd *exec.Cmd, into any) {
	t.Helper()
	if err := json.Unmarshal(cmd.Stdout.(*bytes.Buffer).Bytes(), into); err != nil {
		t.Fatalf("%v: %v:\n%s", cmd, err, output(cmd))
	}
}

// However often the program is killed, and whenever, there is no tag at the target that
// cannot be pulled, and running it again completes the copy.
func TestKilled(t *testing.T) {
	t.Parallel()
	var alarm alarm
	u := newUser(t, alarm.Wrap)
	artifacts := u.rig.artifacts(t, versions.Selection{Releases: []string{"v4.3.1"}})
	family := pushFamily(t, u.rig, standin.Options{Bytes: 4 << 20})
	const most = 8
	kills, tags := 0, 0
	for round := range most {
		cmd := u.command(t, "copy")
		after, kinds := 1+rand.IntN(100), []registrytest.Kind(nil)
		if round%2 == 1 { // in the middle of putting tags
			after, kinds = 1+rand.IntN(6), []registrytest.Kind{registrytest.PutManifest}
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		alarm.set(after, func() { _ = cmd.Process.Kill() }, kinds...)
		_ = cmd.Wait()
		alarm.set(0, nil)
		if cmd.ProcessState.Success() {
			break
		}
		if cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("copy ended by itself with %v:\n%s", cmd.ProcessState, output(cmd))
		}
		kills++
		before := tags
		tags = len(u.rig.target.Contents(t)) // fails the test where a tag cannot be pulled
		t.Logf("killed at request %d %v: %d tags, %d blobs fetched so far", after, kinds, tags, u.fetched())
		if tags < before {
			t.Errorf("%d tags, %d before: one was lost", tags, before)
		}
		wantEmpty(t, u.home)
	}
	cmd := u.command(t, "copy")
	if code := run(t, cmd); code != 0 {
		t.Fatalf("the last copy = exit code %d, want 0:\n%s", code, output(cmd))
	}
	fetched, want := u.fetched(), len(family.blobs)+kills*transfer.DefaultJobs
	t.Logf("%d kills: %d blobs fetched in all runs together, %d of them distinct", kills, fetched, len(family.blobs))
	if fetched > want {
		t.Errorf("%d blobs fetched in all runs together, want %d at most: those in flight at each kill twice", fetched, want)
	}
	u.rig.wantSame(t, artifacts)
}

// fetched is how many blobs the source has served.
func (u *user) fetched() int { return u.rig.source.counter.Counts().Served(registrytest.GetBlob) }

// wantEmpty checks that a killed program left nothing behind but its notes of open uploads, which
// are for the next run.
func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() == ".local" {
			continue
		}
		t.Errorf("%s was left behind", entry.Name())
	}
}

// Ctrl-C ends the program soon, with its own exit code and a word on how to carry on.
func TestProgramInterrupted(t *testing.T) {
	t.Parallel()
	var alarm alarm
	u := newUser(t, alarm.Wrap)
	artifacts := u.rig.artifacts(t, versions.Selection{Releases: []string{"v4.3.1"}})
	pushFamily(t, u.rig, standin.Options{Bytes: 4 << 20})
	cmd := u.command(t, "copy")
	started, pressed := make(chan struct{}), make(chan time.Time, 1)
	alarm.set(30, func() {
		<-started
		pressed <- time.Now()
		_ = cmd.Process.Signal(os.Interrupt)
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	_ = cmd.Wait()
	select {
	case at := <-pressed:
		if took := time.Since(at); took > 20*time.Second {
			t.Errorf("the program went on for %v", took)
		}
	default:
		t.Fatalf("the program ended before Ctrl-C was pressed:\n%s", output(cmd))
	}
	if got, want := cmd.ProcessState.ExitCode(), 130; got != want {
		t.Errorf("exit code %d, want %d:\n%s", got, want, output(cmd))
	}
	if !strings.Contains(output(cmd), "carry on") {
		t.Errorf("output does not say how to carry on:\n%s", output(cmd))
	}
	u.rig.target.Contents(t)

	again := u.command(t, "copy")
	if code := run(t, again); code != 0 {
		t.Fatalf("copying again = exit code %d, want 0:\n%s", code, output(again))
	}
	u.rig.wantSame(t, artifacts)
}

// A layer passes through in pieces: memory does not grow with its size. What counts is the
// memory that the program asks for: how much of its own file the kernel maps beside that, and
// takes back when it is short, depends on the machine's page cache and not on the copy.
func TestMemoryStaysSmall(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	t.Parallel()
	u := newUser(t)
	artifacts := small(t, u.rig)[1:2]
	const size = 100 << 20 // some times what a copy may ask for
	u.rig.source.Push(t, sourceName(artifacts[0]), imageOf(t, static.NewLayer(make([]byte, size), types.OCILayer)))
	cmd := u.command(t, "copy", "--versions", "17.5", "--extras", "none", "--editions", "full")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := make(chan int64)
	go func() { peak <- peakMemory(cmd.Process.Pid) }()
	_ = cmd.Wait()
	// The chart and the instance do not exist: what is there is copied all the same.
	if got, want := cmd.ProcessState.ExitCode(), 3; got != want {
		t.Fatalf("copy = exit code %d, want %d:\n%s", got, want, output(cmd))
	}
	u.rig.wantSame(t, artifacts)
	const most = 16 << 20
	got := <-peak
	t.Logf("peak memory %d MiB for a layer of %d MiB", got>>20, size>>20)
	if got == 0 || got > most {
		t.Errorf("peak memory %d MiB, want %d MiB at most", got>>20, most>>20)
	}
}

// peakMemory is the most anonymous memory that a process was seen to have, in bytes, once it
// has ended.
func peakMemory(pid int) int64 {
	var peak int64
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return peak
		}
		_, rest, alive := strings.Cut(string(status), "RssAnon:")
		if !alive { // a zombie
			return peak
		}
		var kib int64
		if _, err := fmt.Sscan(rest, &kib); err == nil {
			peak = max(peak, kib<<10)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
