package registrytest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Counter counts the requests that pass it, by kind, and the bytes of their bodies. Put
// it before a registry with Front, or round a handler. The zero value is ready.
type Counter struct {
	mu                     sync.Mutex
	requests, unauthorized map[Kind]int

	received, sent atomic.Int64
}

// Counts are what a Counter saw.
type Counts struct {
	// Requests are all requests, by kind.
	Requests map[Kind]int
	// Unauthorized are those of them that were answered with 401.
	Unauthorized map[Kind]int
	// BytesReceived and BytesSent are the bodies of requests and of responses, from the
	// registry's point of view.
	BytesReceived, BytesSent int64
}

// Wrap puts the counter before a handler.
func (c *Counter) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := Classify(r).Kind
		c.count(&c.requests, kind)
		if r.Body != nil && r.Body != http.NoBody {
			r = WithBody(r, &countedBody{r.Body, &c.received})
		}
		next.ServeHTTP(&countedWriter{ResponseWriter: w, counter: c, kind: kind}, r)
	})
}

// Counts returns what was counted so far.
func (c *Counter) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Counts{
		Requests: maps.Clone(c.requests), Unauthorized: maps.Clone(c.unauthorized),
		BytesReceived: c.received.Load(), BytesSent: c.sent.Load(),
	}
}

// Reset starts counting anew, and returns what was counted before.
func (c *Counter) Reset() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := Counts{
		Requests: c.requests, Unauthorized: c.unauthorized,
		BytesReceived: c.received.Swap(0), BytesSent: c.sent.Swap(0),
	}
	c.requests, c.unauthorized = nil, nil
	return counts
}

func (c *Counter) count(by *map[Kind]int, kind Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *by == nil {
		*by = map[Kind]int{}
	}
	(*by)[kind]++
}

// Total is the number of requests of the kinds given, of all where none are.
func (c Counts) Total(kinds ...Kind) int { return sum(c.Requests, kinds) }

// Served is Total without what was answered with 401.
func (c Counts) Served(kinds ...Kind) int { return c.Total(kinds...) - sum(c.Unauthorized, kinds) }

func sum(by map[Kind]int, kinds []Kind) int {
	total := 0
	for kind, n := range by {
		if len(kinds) == 0 || slices.Contains(kinds, kind) {
			total += n
		}
	}
	return total
}

// String is one line for a test's log.
func (c Counts) String() string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(c.Requests)) {
		parts = append(parts, fmt.Sprintf("%d %s", c.Requests[kind], kind))
	}
	return fmt.Sprintf("%d requests (%s), %d of them unauthorized, %d bytes received, %d sent",
		c.Total(), strings.Join(parts, ", "), c.Total()-c.Served(), c.BytesReceived, c.BytesSent)
}

type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}

type countedWriter struct {
	http.ResponseWriter
	counter *Counter
	kind    Kind
}

func (w *countedWriter) WriteHeader(status int) {
	if status == http.StatusUnauthorized {
		w.counter.count(&w.counter.unauthorized, w.kind)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts before it writes and takes back what was not written: whoever has read a
// whole answer finds all of it counted.
func (w *countedWriter) Write(p []byte) (int, error) {
	w.counter.sent.Add(int64(len(p)))
	n, err := w.ResponseWriter.Write(p)
	w.counter.sent.Add(int64(n - len(p)))
	return n, err
}

// Unwrap lets http.ResponseController reach what is behind.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
