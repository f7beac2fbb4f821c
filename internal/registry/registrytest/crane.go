package registrytest

import (
	"regexp"
	"testing"
)

var serving = regexp.MustCompile(`serving on port (\d+)`)

// Crane runs `crane registry serve`: go-containerregistry's registry in a process of its own,
// without the referrers API, and with all repositories sharing their blobs. Of the options it
// knows Root. It is skipped, or fails, where the program is absent: see Binary.
func Crane(tb testing.TB, opts Options) *Registry {
	tb.Helper()
	if opts.secure() || len(opts.Accounts) > 0 || opts.Tokens != nil || opts.ReadOnly || opts.AccessLog != nil || len(opts.Wrap) > 0 {
		tb.Fatal("Crane knows none of these options")
	}
	if opts.Root == "" {
		opts.Root = tb.TempDir()
	}
	r := newRegistry(tb, opts)
	args := []string{"registry", "serve", "--address", "127.0.0.1:0", "--disk", opts.Root}
	r.listensOn(tb, "127.0.0.1:"+startServer(tb, Binary(tb, "crane"), args, nil, serving, nil))
	return r
}
