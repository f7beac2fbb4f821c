package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/slowlink"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
	"github.com/pgrelocate/pgrelocate/tests/bench/processes"
)

// bench is one run of this program.
type bench struct {
	*host
	opts   *options
	tools  []*tool
	report *figures.Report
	ca     *registrytest.CA
}

func newBench(h *host, opts *options) *bench {
	b := &bench{host: h, opts: opts, ca: registrytest.NewCA(h)}
	root := registrytest.ModuleRoot(h)
	b.check(os.Setenv("PATH", filepath.Join(root, ".cache", "bin")+":"+os.Getenv("PATH")))
	b.check(os.Setenv("PGRELOCATE_REQUIRE_REAL", "1"))
	b.report = newReport(opts)
	for _, t := range knownTools(opts) {
		b.install(t)
	}
	if opts.dir != "" {
		b.check(os.MkdirAll(opts.dir, 0o755))
	}
	return b
}

// runInner runs a batch in a process of its own.
func (b *bench) runInner(work processes.Batch) figures.Cost {
	c, err := work.Run(b.ctx)
	b.check(err)
	return c
}

// install takes a tool into the run where it is there and wanted.
func (b *bench) install(t *tool) {
	if len(b.opts.tools) > 0 && !t.isAmong(b.opts.tools) {
		return
	}
	path, err := exec.LookPath(t.binary)
	if err != nil {
		b.Logf("%s is not installed: left out", t.binary)
		b.report.Missing = append(b.report.Missing, t.name)
		return
	}
	t.binary, err = filepath.Abs(path)
	b.check(err)
	b.report.Versions[t.name] = t.version()
	b.tools = append(b.tools, t)
}

// version is what the tool says of itself.
func (t *tool) version() string {
	out, err := exec.Command(t.binary, t.versionArgs...).CombinedOutput()
	if err != nil {
		return "unknown"
	}
	for _, line := range strings.Split(string(out), "\n") {
		if line = strings.TrimSpace(line); line != "" && (t.versionLine == "" || strings.HasPrefix(line, t.versionLine)) {
			return strings.TrimSpace(strings.TrimPrefix(line, t.versionLine))
		}
	}
	return "unknown"
}

// startRegistry starts a registry of the kind that the flags name.
func (b *bench) startRegistry(opts registrytest.Options) *registrytest.Registry {
	if b.opts.registry == "distribution" {
		return registrytest.Distribution(b, opts)
	}
	return registrytest.Debian(b, opts)
}

// wire is a registry at the end of a link, with an account of what goes over it.
type wire struct {
	registry *registrytest.Registry
	link     *slowlink.Link
	log      *accessLog
}

// startWire starts a registry at the end of a link.
func (b *bench) startWire(link slowlink.Options, opts registrytest.Options) *wire {
	w := &wire{log: &accessLog{}}
	opts.AccessLog, opts.CA = w.log, b.ca
	w.registry = b.startRegistry(opts)
	var err error
	w.link, err = slowlink.New(w.registry.Host, link)
	b.check(err)
	b.Cleanup(func() { _ = w.link.Close() })
	return w
}

// host is what clients connect to.
func (w *wire) host() string { return w.link.Addr() }

// measured returns what went over the wire while f ran.
func (w *wire) measured(f func()) figures.Traffic {
	w.log.settled() // of what was asked before
	w.log.reset()
	before := w.link.Counts()
	f()
	t := w.log.settled()
	after := w.link.Counts()
	t.Down, t.Up = after.ToClient-before.ToClient, after.ToServer-before.ToServer
	t.Connections = after.Connections - before.Connections
	return t
}
