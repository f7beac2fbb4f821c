package main

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
)

// batch is a tool's commands. They are run by a small process of its own, because the
// kernel's account of a child's memory begins with that of the parent that started it.
type batch struct {
	Commands [][]string
	Parallel int
	Timeout  time.Duration
	Env      []string
}

// cost is what a batch took.
type cost struct {
	Wall float64 `json:"wall"` // seconds
	CPU  float64 `json:"cpu"`  // seconds, user and system
	// Largest is the peak memory of the largest process, as the kernel has it, and Together that
	// of all that ran at once, sampled; both with pages of files. Own is the most that one
	// process had asked for, sampled: 0 for one that was gone before it was looked at. In MiB.
	Largest  float64 `json:"largest"`
	Together float64 `json:"together"`
	Own      float64 `json:"own"`
	// Failed counts commands that ended with an error, Hung those of them that had to be killed.
	Failed int `json:"failed"`
	Hung   int `json:"hung"`
	// Said is the end of what the first command that failed wrote.
	Said string `json:"said,omitempty"`
}

// runInner runs a batch in a process of its own.
func (b *bench) runInner(work batch) cost {
	self, err := os.Executable()
	b.check(err)
	spec, err := json.Marshal(work)
	b.check(err)
	cmd := exec.CommandContext(b.ctx, self, "inner-run")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(spec), os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	out, err := cmd.Output()
	b.check(err)
	var c cost
	b.check(json.Unmarshal(out, &c))
	return c
}

// runBatch is the inner process: a batch on stdin, its cost on stdout.
func runBatch([]string) int {
	var work batch
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

func (w *batch) run(ctx context.Context) cost {
	var (
		c     cost
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
				c.add(one)
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

func (c *cost) add(one cost) {
	c.CPU += one.CPU
	c.Largest = max(c.Largest, one.Largest)
	c.Failed += one.Failed
	c.Hung += one.Hung
	if c.Said == "" {
		c.Said = one.Said
	}
}

func (w *batch) runOne(ctx context.Context, command []string, watch *memoryWatch) cost {
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
	var c cost
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
