package main

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// elsewhere keeps a test away from the settings and the logins of whoever runs it.
func elsewhere(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("XDG_STATE_HOME", dir)
	t.Setenv("DOCKER_CONFIG", dir)
}

// twoRegistries are one with a stand-in for a release, and one that is empty.
func twoRegistries(t *testing.T, release string) (vendor, private *registrytest.Registry) {
	t.Helper()
	vendor = registrytest.InProcess(t, registrytest.Options{})
	artifacts, err := versions.Select(catalogue.Builtin(), versions.Selection{
		Releases: []string{release}, Source: ref.Folder{Host: vendor.Host},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range artifacts {
		image, err := standIn(a)
		if err != nil {
			t.Fatal(err)
		}
		vendor.Push(t, a.Source.Repository+":"+a.Source.Tag, image)
	}
	return vendor, registrytest.InProcess(t, registrytest.Options{})
}

// On a terminal a copy shows a bar while it runs, at any width, and takes it away at the
// end. Results never get mixed up with it.
func TestCopyOnATerminal(t *testing.T) {
	elsewhere(t)
	vendor, private := twoRegistries(t, "v4.0.0")
	for _, columns := range []int{20, 80, 200} {
		streams, out, messages := terminal.Test("")
		streams.ErrTTY, streams.OutTTY, streams.NoColor = true, true, true
		streams.Columns = func() int { return columns }
		args := []string{"copy", "--release=v4.0.0", "--source=" + vendor.Host, "--registry=" + private.Host, "--limit-rate=600KiB"}
		// Each run needs an empty registry, for this one shares blobs between repositories.
		private = registrytest.InProcess(t, registrytest.Options{})
		if code := run(t.Context(), args, streams); code != exit.OK {
			t.Fatalf("run(%v) = %d, want %d:\n%s", args, code, exit.OK, messages)
		}
		frames := strings.Split(messages.String(), "\r")
		if len(frames) < 3 || !strings.Contains(messages.String(), "/3") {
			t.Errorf("at %d columns the copy showed no bar: %q", columns, messages)
		}
		for _, frame := range frames {
			for _, line := range strings.Split(frame, "\n") {
				if strings.Contains(line, "artifacts  ") && len(line) >= columns {
					t.Errorf("at %d columns the bar is %d wide: %q", columns, len(line), line)
				}
			}
		}
		last := frames[len(frames)-1]
		if strings.Contains(last, "%") || !strings.HasSuffix(messages.String(), "terms.\n") {
			t.Errorf("at %d columns the bar is still there at the end: %q", columns, last)
		}
		if strings.Contains(messages.String(), "\x1b") {
			t.Errorf("NO_COLOR, and yet there are escape sequences: %q", messages)
		}
		if strings.Contains(out.String(), "\r") || !strings.HasPrefix(out.String(), "3 artifacts: 3 copied") {
			t.Errorf("stdout is %q, want the account and nothing else", out)
		}
	}
}

// An outage is shown while it lasts: in the last line of a terminal, and in a log with a line when it
// begins and one when it ends.
func TestOutageIsShown(t *testing.T) {
	elsewhere(t)
	vendor, private := twoRegistries(t, "v4.0.0")
	for _, tty := range []bool{true, false} {
		closed := faults.Answer{
			On: faults.On(registrytest.ListTags), Times: 1, Status: http.StatusServiceUnavailable,
			Header: faults.RetryAfter(4 * time.Second),
		}
		failing := registrytest.Front(t, private, closed.Fault())
		streams, out, messages := terminal.Test("")
		streams.ErrTTY, streams.OutTTY, streams.NoColor = tty, tty, true
		args := []string{"plan", "--release=v4.0.0", "--source=" + vendor.Host, "--registry=" + failing.Host}
		if code := run(t.Context(), args, streams); code != exit.OK {
			t.Fatalf("run(%v) = %d, want %d:\n%s", args, code, exit.OK, messages)
		}
		begin := "target " + failing.Host + " fails, and is tried again for 5m0s at most (--retry-timeout): 503 Service Unavailable"
		if tty {
			begin = "\rtarget " + failing.Host + " fails for 3s, 4m57s left at most: 503 "
		}
		shown := strings.Index(messages.String(), begin)
		over := strings.Index(messages.String(), "target "+failing.Host+" answers again, after 4s\n")
		if shown < 0 || over < shown {
			t.Errorf("a terminal: %v; messages %q, want %q in them, and then that it answers again", tty, messages, begin)
		}
		if strings.Contains(out.String(), "fails") {
			t.Errorf("the result has %q, want nothing of the outage", out)
		}
	}
}

func TestColourOnATerminalOnly(t *testing.T) {
	elsewhere(t)
	for _, tty := range []bool{true, false} {
		streams, _, messages := terminal.Test("")
		streams.ErrTTY = tty
		if code := run(t.Context(), []string{"nonsense"}, streams); code != exit.Usage {
			t.Errorf("run(nonsense) = %d, want %d", code, exit.Usage)
		}
		if got := strings.Contains(messages.String(), "\x1b[31merror:"); got != tty {
			t.Errorf("stderr is a terminal: %v; message %q", tty, messages)
		}
	}
}

// Messages are broken at blanks on a terminal, at any width, and nowhere else: what is kept is searched.
func TestMessagesFitTheTerminal(t *testing.T) {
	elsewhere(t)
	t.Setenv("PGRELOCATE_REGISTRY_PASSWORD", "two words of a secret")
	tests := []struct {
		name    string
		tty, ci bool
		columns int
		fits    bool
	}{
		{"80 columns", true, false, 80, true},
		{"40 columns", true, false, 40, true},
		{"200 columns", true, false, 200, true},
		{"a CI system's terminal", true, true, 80, false},
		{"a pipe", false, false, 80, false},
	}
	for _, tt := range tests {
		streams, _, messages := terminal.Test("")
		streams.ErrTTY, streams.Logged = tt.tty, tt.ci
		streams.Columns = func() int { return tt.columns }
		args := []string{"versions", "--product=one of all two words of a secret that there are"}
		if code := run(t.Context(), args, streams); code != exit.Usage {
			t.Fatalf("%s: run(%v) = %d, want %d", tt.name, args, code, exit.Usage)
		}
		colours := strings.NewReplacer("\x1b[31m", "", "\x1b[36m", "", "\x1b[0m", "")
		widest := 0
		for line := range strings.Lines(colours.Replace(messages.String())) {
			widest = max(widest, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
		}
		if fits := widest <= tt.columns; fits != tt.fits {
			t.Errorf("%s: the widest line has %d characters:\n%s", tt.name, widest, messages)
		}
		if strings.Contains(strings.ReplaceAll(messages.String(), "\n", " "), "two words") {
			t.Errorf("%s: a secret is shown where it is broken:\n%s", tt.name, messages)
		}
	}
}

// Every command is explained: what it is for, how it is used, an example.
func TestEveryCommandIsExplained(t *testing.T) {
	streams, _, _ := terminal.Test("")
	for _, cmd := range visible(newRootCommand(newApp(streams))) {
		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s lacks a short text, a long text or an example", cmd.CommandPath())
		}
		if strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: the short text %q ends with a full stop", cmd.CommandPath(), cmd.Short)
		}
		if !cmd.HasSubCommands() && cmd.RunE == nil {
			t.Errorf("%s has no RunE", cmd.CommandPath())
		}
	}
}

// A command that only holds others lists them, and says so of one that it does not have, whatever flags that is given.
func TestCommandsWithinCommands(t *testing.T) {
	elsewhere(t)
	streams, out, messages := terminal.Test("")
	for _, cmd := range visible(newRootCommand(newApp(streams))) {
		if !cmd.HasAvailableSubCommands() {
			continue
		}
		path := strings.Fields(cmd.CommandPath())[1:]
		out.Reset()
		if code := run(t.Context(), append(slices.Clone(path), "--help"), streams); code != exit.OK {
			t.Fatalf("%s --help = %d, want %d", cmd.CommandPath(), code, exit.OK)
		}
		for _, sub := range cmd.Commands() {
			if line := "  " + sub.Name() + " "; !sub.Hidden && !strings.Contains(out.String(), "\n"+line) {
				t.Errorf("%s --help does not list %s:\n%s", cmd.CommandPath(), sub.Name(), out)
			}
		}
		messages.Reset()
		if code := run(t.Context(), append(slices.Clone(path), "nonsense", "--gibberish"), streams); code != exit.Usage {
			t.Errorf("%s nonsense --gibberish = %d, want %d", cmd.CommandPath(), code, exit.Usage)
		}
		if want := `error: there is no command "nonsense"`; !strings.HasPrefix(messages.String(), want) {
			t.Errorf("%s nonsense --gibberish says %q, want %s", cmd.CommandPath(), messages, want)
		}
	}
}

// Help fits terminals of the usual width, every line of it: text, examples and flags.
func TestHelpFits(t *testing.T) {
	for _, columns := range []int{80, 200} {
		streams, out, _ := terminal.Test("")
		streams.Columns = func() int { return columns }
		for _, cmd := range visible(newRootCommand(newApp(streams))) {
			out.Reset()
			args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
			if code := run(t.Context(), args, streams); code != exit.OK {
				t.Fatalf("run(%v) = %d, want %d", args, code, exit.OK)
			}
			for line := range strings.Lines(out.String()) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > min(columns, usage.WidestHelp) {
					t.Errorf("%v at %d columns has a line of %d: %s", args, columns, n, line)
				}
			}
		}
	}
}

func TestReflow(t *testing.T) {
	text := "One two three\nfour.\n\n  kept as\n  it is\n\nünï five, and averyveryverylongword"
	want := "One two\nthree\nfour.\n\n  kept as\n  it is\n\nünï five,\nand\naveryveryverylongword"
	if got := usage.Reflow(text, 9); got != want {
		t.Errorf("reflow() = %q, want %q", got, want)
	}
}

// Every command has a script that says what users see of it.
func TestEveryCommandHasAScript(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range scripts {
		all.WriteString(read(t, name))
	}
	streams, _, _ := terminal.Test("")
	for _, cmd := range visible(newRootCommand(newApp(streams))) {
		if !strings.Contains(all.String(), cmd.CommandPath()) {
			t.Errorf("no script runs %q", cmd.CommandPath())
		}
	}
}

// A terminal gets digests that it has room for, a pipe whole ones.
func TestInspectOnATerminal(t *testing.T) {
	elsewhere(t)
	vendor, _ := twoRegistries(t, "v4.3.1")
	streams, _, messages := terminal.Test("")
	if code := run(t.Context(), []string{"save", "--release=v4.3.1", "--source=" + vendor.Host, "-f", "pg.tar"}, streams); code != exit.OK {
		t.Fatalf("save = %d:\n%s", code, messages)
	}
	whole := regexp.MustCompile(`sha256:[0-9a-f]{64}`)
	for _, tty := range []bool{true, false} {
		streams, out, messages := terminal.Test("")
		streams.OutTTY = tty
		if code := run(t.Context(), []string{"bundle", "inspect", "pg.tar"}, streams); code != exit.OK {
			t.Fatalf("inspect = %d:\n%s", code, messages)
		}
		if got := whole.MatchString(out.String()); got == tty {
			t.Errorf("whole digests on a terminal (%v): %v", tty, got)
		}
		for line := range strings.Lines(out.String()) {
			if tty && len(line) > 80 {
				t.Errorf("a line of %d characters: %s", len(line), line)
			}
		}
	}
}

// A pipe that is silent does not keep anybody who has had enough.
func TestLoadFromAPipeIsInterrupted(t *testing.T) {
	elsewhere(t)
	silent, keep := io.Pipe()
	defer keep.Close()
	streams, _, messages := terminal.Test("")
	ctx, interrupt := context.WithCancelCause(t.Context())
	defer interrupt(nil)
	streams.In = readFunc(func(p []byte) (int, error) {
		interrupt(exit.ErrInterrupted)
		return silent.Read(p)
	})
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"load", "-f", "-", "--registry", "127.0.0.1:1"}, streams) }()
	select {
	case got := <-code:
		if got != exit.Interrupted || !strings.Contains(messages.String(), "error: interrupted\n") {
			t.Errorf("load = %d, want %d:\n%s", got, exit.Interrupted, messages)
		}
	case <-time.After(time.Minute):
		t.Fatal("load goes on after it was interrupted")
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
