package checkup

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/proxies"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Depth is how far a checkup may write.
type Depth int

// The depths of writing.
const (
	// Nothing is written.
	Nothing Depth = iota
	// Uploads are opened, and cancelled.
	Uploads
	// Manifests: a small one with a small blob is put by its digest, without a tag, and deleted.
	Manifests
)

// Options steer Run. Client, Recorder and References are needed.
type Options struct {
	// Client is the registry, which has been made with Recorder.See as Options.Observe.
	Client   *remote.Client
	Recorder *Recorder
	Side     registry.Side
	// References are what of the registry matters, the most important first.
	References []ref.Reference
	// Login is with whom the client is there; zero is nobody.
	Login credentials.Login
	// Public says that the registry should have a certificate that everybody trusts.
	Public bool
	// Requests is about how many requests a copy sends at once in quick succession, for limits.
	Requests int
	Write    Depth
	// Told is told what is going to be written before it is; it may be nil.
	Told func(string)
	// Timeout bounds each probe; 0 is DefaultTimeout.
	Timeout time.Duration
	// Proxy is what net/http asks; nil is proxies.FromEnvironment.
	Proxy func(*http.Request) (*url.URL, error)
	// Now is this machine's clock; nil is time.Now.
	Now func() time.Time
}

// DefaultTimeout is what each probe gets.
const DefaultTimeout = 20 * time.Second

// Result is what Run has found.
type Result struct {
	Findings []finding.Finding
	// Vendor is whose registry it seems to be.
	Vendor Vendor
	// Platforms are those of the references that were found there.
	Platforms map[ref.Reference][]v1.Platform
}

// Run looks at a registry. Its error is that of a context which ended; what was found until then is
// in the result.
func Run(ctx context.Context, opts Options) (*Result, error) {
	e := newExamination(opts)
	for _, phase := range []func() []finding.Probe{
		e.reach,      // is it there, and does it take the login
		e.reading,    // may it be read
		e.writing,    // may it be written to, and in which ways
		e.depositing, // does it take a whole manifest, and give it up again
		e.telling,    // what all its answers so far tell
	} {
		found, err := finding.Run(ctx, e.Timeout, phase())
		e.result.Findings = append(e.result.Findings, found...)
		if err != nil {
			return &e.result, err
		}
	}
	e.result.Vendor = e.vendor()
	return &e.result, nil
}

// examination is a Run that is under way.
type examination struct {
	Options
	result Result

	mu sync.Mutex
	// broken says why nothing more can be asked; empty where it can.
	broken string
	// there are the repositories that exist, absent those that do not.
	there, absent []string
	// images are what was found of the references.
	images []sample
	stored bool // a manifest was taken
	full   error
}

func newExamination(opts Options) *examination {
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.Told == nil {
		opts.Told = func(string) {}
	}
	if opts.Proxy == nil {
		opts.Proxy = proxies.FromEnvironment()
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &examination{Options: opts, result: Result{Platforms: map[ref.Reference][]v1.Platform{}}}
}

// unless is a probe of a registry that can be asked.
func (e *examination) unless(name string, look func(context.Context) finding.Finding) finding.Probe {
	return finding.Probe{Name: name, Look: func(ctx context.Context) finding.Finding {
		if e.broken != "" {
			return finding.Skipf("%s", e.broken)
		}
		return look(ctx)
	}}
}

// repositories are those of the references, each once.
func (e *examination) repositories() []string {
	var all []string
	for _, reference := range e.References {
		if !slices.Contains(all, reference.Repository) {
			all = append(all, reference.Repository)
		}
	}
	return all
}
