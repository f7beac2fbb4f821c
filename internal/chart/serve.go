package chart

import (
	"context"
	"encoding/gob"
	"fmt"
	"io"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
)

// order is what goes to the process that renders.
type order struct {
	Request request
	// Memory is how many bytes it may take.
	Memory int64
}

// exitMemory is the exit code of a process that took more memory than it may.
const exitMemory = 77

// Serve renders one chart: it reads a request from in and writes what came of it to out.
// It is all that the process of a Confinement's Command does. end is called, with an exit
// code, to end that process at once: when the chart takes more memory than it may, and when
// in ends, for then whoever asked is gone. The error is for what is nobody's answer.
func Serve(ctx context.Context, in io.Reader, out io.Writer, end func(code int)) error {
	sealed(nil) // so that gob knows what values consist of
	var asked order
	if err := gob.NewDecoder(in).Decode(&asked); err != nil {
		return fmt.Errorf("reading what to render: %w", err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		end(1)
	}()
	boundMemory(asked.Memory)
	go watchMemory(asked.Memory, func() { end(exitMemory) })
	return gob.NewEncoder(out).Encode(answer(ctx, asked.Request.unsealed()))
}

// answer carries a request out, and makes an answer of whatever happens.
func answer(ctx context.Context, r request) (answer response) {
	defer func() {
		if cause := recover(); cause != nil {
			answer = response{Err: fmt.Sprintf("helm panicked: %v", cause)}
		}
	}()
	made, err := r.carryOut(ctx)
	if err != nil {
		return response{Err: err.Error()}
	}
	size := 0
	for _, object := range made.Objects {
		size += len(object.Text)
	}
	if size > maxRendered {
		return response{TooLarge: true}
	}
	made.Defaults = sealed(made.Defaults)
	return *made
}

// watchMemory calls over once this process has more than most bytes.
func watchMemory(most int64, over func()) {
	// The stack of a goroutine may grow to a gigabyte otherwise.
	debug.SetMaxStack(int(most / 4))
	debug.SetMemoryLimit(most / 2)
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for {
		metrics.Read(sample)
		if int64(sample[0].Value.Uint64()-sample[1].Value.Uint64()) > most {
			over()
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// null stands for nil among values, which gob does not carry.
type null struct{}

// sealed are values as gob carries them, unsealed as they were.
func sealed(values map[string]any) map[string]any {
	gob.Register(map[string]any{})
	gob.Register([]any{})
	gob.Register(null{})
	return valuetree.MapValues(values, func(value any) any {
		if value == nil {
			return null{}
		}
		return value
	})
}

func unsealed(values map[string]any) map[string]any {
	return valuetree.MapValues(values, func(value any) any {
		if value == (null{}) {
			return nil
		}
		return value
	})
}

func (r request) sealed() request {
	r.Values = sealed(r.Values)
	return r
}

func (r request) unsealed() request {
	r.Values = unsealed(r.Values)
	return r
}
