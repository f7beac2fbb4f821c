// Package processes runs tools, and accounts for what their processes cost: seconds, processors, memory.
package processes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
)

// Batch is a tool's commands. They are run by a small process of its own, because the
// kernel's account of a child's memory begins with that of the parent that started it.
type Batch struct {
	Commands [][]string
	// Parallel is how many run at once; 0 is one.
	Parallel int
	// Timeout is for each of them.
	Timeout time.Duration
	// Env is added to the environment of this program.
	Env []string
}

// InnerRun is the argument by which the program that measures starts itself as the inner process; it has
// to call Inner then.
const InnerRun = "inner-run"

// Run runs the batch from a process of its own, until ctx ends.
func (w Batch) Run(ctx context.Context) (c figures.Cost, err error) {
	self, err := os.Executable()
	if err != nil {
		return c, err
	}
	spec, err := json.Marshal(w)
	if err != nil {
		return c, err
	}
	cmd := exec.CommandContext(ctx, self, InnerRun)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(spec), os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	out, err := cmd.Output()
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(out, &c)
}

// Inner is the inner process: a batch on stdin, its cost on stdout.
func Inner([]string) int {
	var work Batch
	if err := json.NewDecoder(os.Stdin).Decode(&work); err != nil {
		fmt.Fprintln(os.Stderr, "bench: reading a batch:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := work.run(ctx)
	if err := json.NewEncoder(os.Stdout).Encode(c); err != nil {
		return 2
	}
	return 0
}

func (w Batch) run(ctx context.Context) figures.Cost {
	var (
		c     figures.Cost
		mu    sync.Mutex
		group sync.WaitGroup
		queue = make(chan []string)
		watch = newMemoryWatch()
	)
	started := time.Now()
	for range max(1, w.Parallel) {
		group.Go(func() {
			for command := range queue {
				one := w.runOne(ctx, command, watch)
				mu.Lock()
				c.Add(one)
				mu.Unlock()
			}
		})
	}
	for _, command := range w.Commands {
		queue <- command
	}
	close(queue)
	group.Wait()
	c.Wall = time.Since(started).Seconds()
	together, own := watch.stop()
	c.Together, c.Own = max(together, c.Largest), own
	return c
}

func (w Batch) runOne(ctx context.Context, command []string, watch *memoryWatch) figures.Cost {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), w.Env...)
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	// Of its own group, to be killed with all its children.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Start()
	if err == nil {
		watch.add(cmd.Process.Pid)
		err = cmd.Wait()
		watch.remove(cmd.Process.Pid)
	}
	var c figures.Cost
	if state := cmd.ProcessState; state != nil {
		c.CPU = (state.UserTime() + state.SystemTime()).Seconds()
		if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
			c.Largest = float64(usage.Maxrss) / 1024 // KiB on Linux
		}
	}
	if err != nil {
		c.Failed, c.Said = 1, string(out.kept)
		if out.kept == nil {
			c.Said = err.Error()
		}
	}
	if ctx.Err() != nil {
		c.Hung = 1
	}
	return c
}

// tail keeps the end of what is written.
type tail struct{ kept []byte }

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	const most = 600
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - most; extra > 0 {
		t.kept = t.kept[extra:]
	}
	return len(p), nil
}
