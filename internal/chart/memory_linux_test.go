//go:build !race

package chart

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// aloneEnv is set where the test runs in a process of its own: Linux reckons to a process what had been
// in the memory of the one that started it, which other tests fill.
const aloneEnv = "TEST_MEMORY_ALONE"

// However fast a chart takes memory, the process has no more than it was given, and what the program
// needs itself.
func TestMemoryIsBoundedAtOnce(t *testing.T) {
	if os.Getenv(aloneEnv) == "" {
		alone := exec.CommandContext(t.Context(), os.Args[0], "-test.count=1", "-test.run=^"+t.Name()+"$")
		alone.Env = append(os.Environ(), aloneEnv+"=1")
		if said, err := alone.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, said)
		}
		return
	}
	opts := confined(t)
	templates := map[string]string{
		"a list":       `{{ range until 150000000 }}{{ end }}`,
		"text":         `{{ $x := repeat 1500000000 "x" }}`,
		"text doubled": `{{ $x := repeat 100000000 "x" }}{{ range until 20 }}{{ $x = printf "%s%s" $x $x }}{{ end }}`,
	}
	for name, template := range templates {
		_, err := sample(t, template, nil).Render(t.Context(), nil, opts)
		var limit *LimitError
		if !errors.As(err, &limit) || !strings.Contains(err.Error(), "256 MiB of memory") {
			t.Errorf("%s: Render() = %v, want a LimitError that says how much memory", name, err)
		}
	}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &usage); err != nil {
		t.Fatal(err)
	}
	const own = 160 // MiB: the program's code, and what Go maps
	if most, got := opts.Confinement.Memory>>20+beyond>>20+own, usage.Maxrss>>10; got > most {
		t.Errorf("a process had %d MiB, want at most %d", got, most)
	}
}
