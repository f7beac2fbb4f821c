package fanout

import (
	"context"
	"sync"
)

// memo asks each question once and keeps the answer, until it is ended.
type memo struct {
	mu    sync.Mutex
	calls map[string]*call // nil once it has ended
}

// call is a question, and its answer once done is closed.
type call struct {
	done   chan struct{}
	answer any
	err    error
	cut    bool // the asker's context ended: it is no answer for others
}

// do returns the answer to a question. What the end of one asker's context has cut short the next
// asks anew.
func (m *memo) do(ctx context.Context, key string, ask func() (any, error)) (any, error) {
	for {
		m.mu.Lock()
		if m.calls == nil {
			m.mu.Unlock()
			return ask()
		}
		c := m.calls[key]
		if c == nil {
			c = &call{done: make(chan struct{})}
			m.calls[key] = c
			m.mu.Unlock()
			m.answer(ctx, key, c, ask)
			return c.answer, c.err
		}
		m.mu.Unlock()
		select {
		case <-c.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if !c.cut {
			return c.answer, c.err
		}
	}
}

func (m *memo) answer(ctx context.Context, key string, c *call, ask func() (any, error)) {
	defer close(c.done)
	c.answer, c.err = ask()
	if c.cut = ctx.Err() != nil; c.cut {
		m.mu.Lock()
		delete(m.calls, key)
		m.mu.Unlock()
	}
}

// end forgets all answers, and passes on every question from now on.
func (m *memo) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = nil
}
