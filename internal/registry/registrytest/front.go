package registrytest

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
)

// InProcess runs go-containerregistry's registry in this process: fast, and good to stop
// in the debugger. Mind that it shares blobs between repositories, so that everything can
// be mounted from everywhere.
func InProcess(tb testing.TB, opts Options) *Registry {
	tb.Helper()
	if opts.Tokens != nil {
		tb.Fatal("InProcess knows no tokens: use Debian or Distribution")
	}
	r := newRegistry(tb, opts)
	options := []ggcr.Option{ggcr.Logger(silent), ggcr.WithReferrersSupport(true)}
	if opts.Root != "" {
		options = append(options, ggcr.WithBlobHandler(ggcr.NewDiskBlobHandler(opts.Root)))
	}
	handler := ggcr.New(options...)
	if opts.ReadOnly {
		handler = readOnly(handler)
	}
	if len(opts.Accounts) > 0 {
		handler = basicAuth(opts.Accounts, handler)
	}
	return r.serve(tb, handler, opts.Wrap)
}

// Front puts handlers before a registry, a Counter or faults for example, the first
// outermost, and returns what clients should talk to instead. It has the accounts, the
// authority and the client certificate of what stands behind it.
func Front(tb testing.TB, behind *Registry, wrap ...Middleware) *Registry {
	tb.Helper()
	front := *behind
	return front.serve(tb, behind.Forward(), wrap)
}

// Forward is a handler that passes requests on to the registry as they are, and bodies as
// they come. It keeps the Host header, so that upload locations lead back to the client's
// side.
func (r *Registry) Forward() http.Handler {
	target, err := url.Parse(r.URL)
	if err != nil {
		panic(err) // a URL of our own making
	}
	return &httputil.ReverseProxy{
		Transport:     r.transport,
		FlushInterval: -1,
		BufferPool:    &copyBuffers,
		ErrorLog:      silent,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = target.Scheme, target.Host
			p.Out.Host = p.In.Host
		},
	}
}

// Settle waits until a registry that runs in this process has heard all that a client which was killed
// had still sent, and has done it: Finishing has to stand before what does it. Nobody but this test's own
// clients, by Transport, may be connected besides.
func (r *Registry) Settle(tb testing.TB) {
	tb.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		r.transport.CloseIdleConnections()
		open := r.connections.Load()
		if open == 0 {
			return
		}
		if time.Since(begin) > time.Minute {
			tb.Fatalf("%d connections are still open", open)
		}
	}
}

// Finishing lets a registry finish what it has been asked for by a client that is gone.
func Finishing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())))
	})
}

// wrapAll puts handlers round another, the first outermost.
func wrapAll(handler http.Handler, wrap []Middleware) http.Handler {
	for i := len(wrap) - 1; i >= 0; i-- {
		handler = wrap[i](handler)
	}
	return handler
}

func (r *Registry) serve(tb testing.TB, handler http.Handler, wrap []Middleware) *Registry {
	tb.Helper()
	r.connections = new(atomic.Int64)
	address := startHTTP(tb, wrapAll(handler, wrap), r.serverTLS(tb), r.connections)
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	r.listensOn(tb, u.Host)
	return r
}

// Start puts handlers before another, the first outermost, and runs it until the test ends. It returns
// the URL.
func Start(tb testing.TB, handler http.Handler, wrap ...Middleware) string {
	tb.Helper()
	return startHTTP(tb, wrapAll(handler, wrap), nil, new(atomic.Int64))
}

// startHTTP runs a handler until the test ends and returns its URL. Connections that are
// still busy then are cut, so that a handler that stalls does not hold up the end. Those that are
// open are counted.
func startHTTP(tb testing.TB, handler http.Handler, config *tls.Config, connections *atomic.Int64) string {
	tb.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = silent
	s.Config.ConnContext = ConnContext
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			connections.Add(1)
		case http.StateClosed, http.StateHijacked:
			connections.Add(-1)
		}
	}
	if config != nil {
		s.TLS = config
		s.StartTLS()
	} else {
		s.Start()
	}
	tb.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

func basicAuth(accounts []Account, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		for _, account := range accounts {
			if account.Username == user && account.Password == password {
				next.ServeHTTP(w, r)
				return
			}
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="registrytest"`)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
	})
}

func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, `{"errors":[{"code":"UNSUPPORTED","message":"the registry is read-only"}]}`, http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// silent drops what servers would write about clients that hang up.
var silent = log.New(io.Discard, "", 0)

// copyBuffers are larger than what ReverseProxy takes by itself: fewer calls a gigabyte.
var copyBuffers bufferPool

type bufferPool struct{ pool sync.Pool }

const copyBuffer = 256 << 10

// Get returns a buffer that nobody else uses.
func (b *bufferPool) Get() []byte {
	if p, ok := b.pool.Get().(*[copyBuffer]byte); ok {
		return p[:]
	}
	return make([]byte, copyBuffer)
}

// Put takes a buffer back.
func (b *bufferPool) Put(p []byte) { b.pool.Put((*[copyBuffer]byte)(p)) }
