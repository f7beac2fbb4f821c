package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
)

func TestMain(m *testing.M) {
	if app.RendersForAnother(os.Args) { // where tests call run, this is the program that it starts
		os.Exit(app.RenderForAnother(context.Background(), os.Exit))
	}
	testscript.Main(m, map[string]func(){
		"pgrelocate":  main,
		"interrupted": interrupted,
		"hungup":      hungUp,
		"stopped":     stopped,
		"stuck":       stuck,
	})
}

// TestScripts runs the scripts in testdata/script. Together they are the manual of what
// users see; see testdata/script/README.md for the commands that they have.
//
// The program in them is this one, or the one that TESTED_PGRELOCATE names: built without the
// race detector, it starts several hundred times in a fraction of the time.
func TestScripts(t *testing.T) {
	given := os.Getenv("TESTED_PGRELOCATE")
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			// Under the race detector every program would wait a second before it ends.
			env.Setenv("GORACE", "atexit_sleep_ms=10")
			env.Setenv("HOME", home)
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
			env.Setenv("XDG_STATE_HOME", "")
			env.Setenv("DOCKER_CONFIG", filepath.Join(home, ".docker"))
			if given != "" {
				env.Setenv("PATH", filepath.Dir(given)+string(filepath.ListSeparator)+env.Getenv("PATH"))
				_, err := os.Stat(given) // so that Go takes no result for that of another program
				return err
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "race" {
				return raceDetector && given == "", nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":     exits,
			"registry":  func(ts *testscript.TestScript, _ bool, args []string) { startRegistry(t, ts, args) },
			"signer":    func(ts *testscript.TestScript, _ bool, args []string) { signer(t, ts, args) },
			"sign":      func(ts *testscript.TestScript, _ bool, args []string) { signContent(t, ts, args) },
			"contents":  func(ts *testscript.TestScript, _ bool, args []string) { writeContents(t, ts, args) },
			"lose":      func(ts *testscript.TestScript, _ bool, args []string) { lose(t, ts, args) },
			"retag":     func(ts *testscript.TestScript, _ bool, args []string) { retag(t, ts, args) },
			"requests":  requests,
			"lines":     writeLines,
			"charts":    func(ts *testscript.TestScript, _ bool, args []string) { serveCharts(t, ts, args) },
			"pack":      pack,
			"push":      func(ts *testscript.TestScript, _ bool, args []string) { push(t, ts, args) },
			"freeport":  freePort,
			"listening": listening,
		},
	})
}

// exits runs a command and wants it to end with an exit code: exits CODE COMMAND ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exited *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exited) {
		got = exited.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// writeLines is the script command: lines FILE LINE... It writes a file, variables and all.
func writeLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: lines FILE LINE...")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(args[1:], "\n")+"\n"), 0o644))
}
