package chart

import (
	"bytes"
	"cmp"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Confinement keeps a chart from doing harm while it is rendered. A template is a program:
// it can loop for ever and fill all memory, and Helm's engine cannot be stopped. Rendering
// therefore goes on in a process of its own, which is killed when its time is up, when it
// takes too much memory, and when the context ends.
type Confinement struct {
	// Command is a program, with its arguments, that does nothing but call Serve. Without one
	// the chart is rendered in this process and may take what it likes: for charts of one's own.
	Command []string
	// Timeout is how long rendering may take; 0 is DefaultRenderTimeout.
	Timeout time.Duration
	// Memory is how many bytes it may take; 0 is DefaultRenderMemory.
	Memory int64
}

// What no chart comes near to: the largest in common use render in a second to some MiB.
const (
	DefaultRenderTimeout       = 30 * time.Second
	DefaultRenderMemory  int64 = 512 << 20
	// maxRendered bounds the manifests together.
	maxRendered = 16 << 20
)

// LimitError says that a chart took more than it may while it was rendered.
type LimitError struct{ What string }

// Error says of what.
func (e *LimitError) Error() string { return "its templates took more than " + e.What }

// run does what a request asks for.
func (c Confinement) run(ctx context.Context, r request) (*response, error) {
	c.Timeout, c.Memory = cmp.Or(c.Timeout, DefaultRenderTimeout), cmp.Or(c.Memory, DefaultRenderMemory)
	if len(c.Command) == 0 {
		return r.carryOut(ctx)
	}
	bounded, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	made, err := c.inProcess(bounded, r)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && bounded.Err() != nil:
		return nil, &LimitError{What: c.Timeout.String()}
	default:
		return made, err
	}
}

// inPlace carries a request out in this process, and leaves it behind once its time is up or the
// context has ended.
func (c Confinement) inPlace(ctx context.Context, r request) (*response, error) {
	timeout := cmp.Or(c.Timeout, DefaultRenderTimeout)
	type outcome struct {
		made *response
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		made, err := r.carryOut(ctx)
		done <- outcome{made, err}
	}()
	select {
	case o := <-done:
		return o.made, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-time.After(timeout):
		return nil, &LimitError{What: timeout.String()}
	}
}

// inProcess has the request carried out by a process, and waits for its end.
func (c Confinement) inProcess(ctx context.Context, r request) (*response, error) {
	cmd := exec.CommandContext(ctx, c.Command[0], c.Command[1:]...) //nolint:gosec // the program's own
	// Nothing of ours is for a chart to see; on Windows exec adds what a program needs there.
	cmd.Env = []string{}
	cmd.WaitDelay = time.Second
	said := &head{most: 4 << 10}
	cmd.Stderr = said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a process for it: %w", err)
	}
	// The pipe stays open: its end tells the process that this one is gone.
	sent := gob.NewEncoder(in).Encode(order{Request: r.sealed(), Memory: c.Memory})
	made, err := readResponse(io.LimitReader(out, 2*maxRendered))
	_ = out.Close() // who would say more than that ends
	if err := cmp.Or(c.explain(cmd.Wait(), said.String()), sent, err); err != nil {
		return nil, err
	}
	return made, nil
}

// outOfMemory is what Go's runtime says that could get no more memory, for a stack, the heap or a thread.
var outOfMemory = []string{"stack exceeds", "out of memory", "failed to create new OS thread", "pthread_create failed"}

// explain says why a process ended as it did.
func (c Confinement) explain(err error, said string) error {
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return err
	}
	first, _, _ := strings.Cut(said, "\n")
	outOfMemory := slices.ContainsFunc(outOfMemory, func(words string) bool { return strings.Contains(first, words) })
	if outOfMemory || ended.ExitCode() == exitMemory {
		return &LimitError{What: fmt.Sprintf("%d MiB of memory", c.Memory>>20)}
	}
	return fmt.Errorf("the process for it ended: %w: %s", err, first)
}

func readResponse(out io.Reader) (*response, error) {
	var made response
	switch err := gob.NewDecoder(out).Decode(&made); {
	case err != nil:
		return nil, fmt.Errorf("reading what was rendered: %w", err)
	case made.TooLarge:
		return nil, &LimitError{What: fmt.Sprintf("%d MiB of manifests", maxRendered>>20)}
	case made.Err != "":
		return nil, errors.New(made.Err)
	default:
		made.Defaults = unsealed(made.Defaults)
		return &made, nil
	}
}

// head keeps the beginning of what is written to it.
type head struct {
	bytes.Buffer
	most int
}

// Write takes everything, and keeps what there is room for.
func (h *head) Write(p []byte) (int, error) {
	if room := h.most - h.Len(); room > 0 {
		h.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
