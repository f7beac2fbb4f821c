package checkup_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/checkup"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/contract"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// patient is a registry to be examined.
type patient struct {
	*registrytest.Registry
	side    registry.Side
	options remote.Options
	checkup.Options
}

// look examines a registry that should hold team/app:v1 and team/other:v1.
func (p patient) look(t *testing.T) *checkup.Result {
	t.Helper()
	if p.side == "" {
		p.side = registry.SideTarget
	}
	recorder := new(checkup.Recorder)
	p.options.Side, p.options.Observe, p.options.RetryTimeout = p.side, recorder.See, time.Second
	if p.options.Keychain == nil {
		p.options.Keychain = p.Keychain()
	}
	if p.options.CAFile == "" {
		p.options.CAFile = p.CAFile
	}
	p.options.CertsDirs = []string{t.TempDir()}
	client, err := remote.New(p.Host, p.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	opts := p.Options
	opts.Client, opts.Recorder, opts.Side = client, recorder, p.side
	for i := range opts.References {
		opts.References[i].Host = p.Host
	}
	for _, repository := range []string{"team/app", "team/other"} {
		if len(p.References) > 0 {
			break
		}
		opts.References = append(opts.References, ref.Reference{Host: p.Host, Repository: repository, Tag: "v1"})
	}
	result, err := checkup.Run(t.Context(), opts)
	if err != nil {
		t.Fatalf("Run() = %v, want no error", err)
	}
	return result
}

// holding fills a registry.
func holding(t *testing.T, r *registrytest.Registry, repositories ...string) *registrytest.Registry {
	t.Helper()
	client, err := remote.New(r.Host, remote.Options{Side: registry.SideTarget, Push: true, CAFile: r.CAFile, Keychain: r.Keychain(), CertsDirs: []string{t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, repository := range repositories {
		contract.NewContent(t, repository, "v1").Put(t, client)
	}
	return r
}

func find(t *testing.T, r *checkup.Result, probe string) finding.Finding {
	t.Helper()
	at := slices.IndexFunc(r.Findings, func(f finding.Finding) bool { return f.Probe == probe })
	if at < 0 {
		t.Fatalf("nothing was found about %s in %+v", probe, r.Findings)
	}
	return r.Findings[at]
}

// wants compares one finding.
func wants(t *testing.T, r *checkup.Result, probe string, status finding.Status, words string) finding.Finding {
	t.Helper()
	found := find(t, r, probe)
	if found.Status != status || !strings.Contains(found.Says, words) {
		t.Errorf("%s is %s: %s; want %s: …%s…", probe, found.Status, found.Says, status, words)
	}
	return found
}

func inProcess(t *testing.T, opts registrytest.Options) *registrytest.Registry {
	t.Helper()
	return registrytest.InProcess(t, opts)
}

// Of a registry that is well everything that can be told without writing is told, and nothing written.
func TestAllIsWell(t *testing.T) {
	behind := holding(t, inProcess(t, registrytest.Options{Accounts: []registrytest.Account{{Username: "robot", Password: "s3cret"}}}), "team/app", "team/other")
	writes := new(methods)
	result := patient{Registry: registrytest.Front(t, behind, writes.wrap)}.look(t)
	if worst := finding.Worst(result.Findings); worst != finding.OK {
		t.Errorf("Run() is %s, want ok: %+v", worst, result.Findings)
	}
	wants(t, result, "contact", finding.OK, "answers as a registry")
	wants(t, result, "pull", finding.OK, "can be read")
	wants(t, result, "repositories", finding.OK, "all 2 are there")
	wants(t, result, "clock", finding.OK, "agree")
	wants(t, result, "authentication", finding.OK, "by user and password, as ")
	wants(t, result, "push", finding.NotLookedAt, "may push")
	wants(t, result, "redirects", finding.OK, "from the registry itself")
	wants(t, result, "certificate", finding.OK, "plain HTTP, on this machine alone")
	if got := writes.besides(http.MethodGet, http.MethodHead); len(got) > 0 {
		t.Errorf("Run() wrote: %q", got)
	}
}

// methods notes what is asked.
type methods struct {
	mu   sync.Mutex
	seen []string
}

func (m *methods) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.seen = append(m.seen, r.Method)
		m.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (m *methods) besides(allowed ...string) []string {
	return slices.DeleteFunc(slices.Clone(m.seen), func(s string) bool { return slices.Contains(allowed, s) })
}

// What is wrong with a certificate is said of the certificate, and nothing else is guessed at.
func TestCertificates(t *testing.T) {
	ca := registrytest.NewCA(t)
	for _, tt := range []struct {
		name   string
		server *registrytest.Registry
		trust  string
		says   string
	}{
		{"expired", ca.Serves(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour), "127.0.0.1"), ca.File, "has expired on"},
		{"not yet valid", ca.Serves(t, time.Now().Add(24*time.Hour), time.Now().Add(48*time.Hour), "127.0.0.1"), ca.File, "is not valid before"},
		{"for another name", ca.Serves(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "other.example.com"), ca.File, "is for other.example.com"},
		{"of somebody else", inProcess(t, registrytest.Options{TLS: true}), ca.File, "which this machine does not trust"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			result := patient{Registry: tt.server, options: remote.Options{CAFile: tt.trust}}.look(t)
			if found := wants(t, result, "contact", finding.Failed, tt.says); found.Err == nil {
				t.Error("the finding has no error to advise about")
			}
			for _, f := range result.Findings {
				if f.Probe != "contact" && f.Status != finding.NotLookedAt && f.Probe != "name" && f.Probe != "proxy" && f.Probe != "quota" {
					t.Errorf("%s is %s: %s; want it not looked at", f.Probe, f.Status, f.Says)
				}
			}
		})
	}
	t.Run("ends soon", func(t *testing.T) {
		server := ca.Serves(t, time.Now().Add(-time.Hour), time.Now().Add(50*time.Hour), "127.0.0.1")
		result := patient{Registry: server, options: remote.Options{CAFile: ca.File}}.look(t)
		if found := wants(t, result, "certificate", finding.Warning, "ends in 2 days"); found.Remedy != checkup.Renew {
			t.Errorf("the remedy is %q", found.Remedy)
		}
	})
	t.Run("a private authority where everybody's is expected", func(t *testing.T) {
		server := ca.Serves(t, time.Now().Add(-time.Hour), time.Now().Add(500*24*time.Hour), "127.0.0.1")
		opts := checkup.Options{Public: true}
		result := patient{Registry: server, side: registry.SideSource, options: remote.Options{CAFile: ca.File}, Options: opts}.look(t)
		wants(t, result, "certificate", finding.Warning, "something in between opens the connection")
	})
}

// What headers tell: the time, who is in between, how much may still be asked.
func TestHeaders(t *testing.T) {
	behind := holding(t, inProcess(t, registrytest.Options{}), "team/app", "team/other")
	for _, tt := range []struct {
		name, probe string
		header      http.Header
		status      finding.Status
		says        string
		remedy      finding.Remedy
	}{
		{"clock ahead", "clock", http.Header{"Date": {time.Now().Add(-10 * time.Minute).UTC().Format(http.TimeFormat)}}, finding.Warning, "ahead of the registry's", checkup.SetClock},
		{"clock behind", "clock", http.Header{"Date": {time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)}}, finding.Warning, " behind the registry's", checkup.SetClock},
		{"a cached answer", "clock", http.Header{"Date": {time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)}, "Age": {"3600"}}, finding.NotLookedAt, "does not tell the time", ""},
		{"a proxy", "in between", http.Header{"Via": {"1.1 squid.corp"}}, finding.OK, "Via: 1.1 squid.corp", ""},
		{"few requests left", "rate limit", http.Header{"Ratelimit-Limit": {"100;w=21600"}, "Ratelimit-Remaining": {"7;w=21600"}}, finding.Warning, "7 requests are left of 100 in 6h0m0s", checkup.SlowDown},
		{"enough left", "rate limit", http.Header{"X-Ratelimit-Remaining": {"5000"}}, finding.OK, "5000 requests are left of a limit that is not said", ""},
		{"nonsense", "rate limit", http.Header{"Ratelimit-Remaining": {"many"}}, finding.OK, "speaks of none", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			front := registrytest.Front(t, behind, saying(tt.header))
			result := patient{Registry: front, Options: checkup.Options{Requests: 20}}.look(t)
			if found := wants(t, result, tt.probe, tt.status, tt.says); found.Remedy != tt.remedy {
				t.Errorf("the remedy is %q, want %q", found.Remedy, tt.remedy)
			}
		})
	}
}

// saying adds headers to all answers.
func saying(header http.Header) registrytest.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&speaker{w, header, false}, r)
		})
	}
}

type speaker struct {
	http.ResponseWriter
	header http.Header
	said   bool
}

func (s *speaker) WriteHeader(status int) {
	if !s.said {
		s.said = true
		for name, values := range s.header {
			s.Header()[name] = values
		}
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *speaker) Write(p []byte) (int, error) {
	if !s.said {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(p)
}

// A login that is refused, or missing, ends the examination with what the registry has said.
func TestLogins(t *testing.T) {
	server := inProcess(t, registrytest.Options{Accounts: []registrytest.Account{{Username: "robot", Password: "s3cret"}}})
	wrong := registrytest.Keychain{server.Host: {Username: "robot", Password: "guessed"}}
	result := patient{Registry: server, options: remote.Options{Keychain: wrong}}.look(t)
	wants(t, result, "contact", finding.Failed, "401")
	wants(t, result, "pull", finding.NotLookedAt, "refuses the login")
	result = patient{Registry: server, options: remote.Options{Keychain: registrytest.Keychain{}}}.look(t)
	wants(t, result, "pull", finding.NotLookedAt, "wants a login")
	for _, f := range result.Findings {
		if strings.Contains(f.Says, "guessed") {
			t.Errorf("%s repeats a password: %s", f.Probe, f.Says)
		}
	}
	login := credentials.Login{Username: "AWS", Password: "x"}
	result = patient{Registry: server, Options: checkup.Options{Login: login}}.look(t)
	wants(t, result, "token", finding.Warning, "a password of Amazon ECR, which lives for about 12h0m0s")
}

// A registry that asks for a login in a way that nobody here knows is not called open.
func TestALoginThatNobodyHereKnows(t *testing.T) {
	page := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", "Negotiate")
		w.WriteHeader(http.StatusUnauthorized)
	})
	server := &registrytest.Registry{Host: strings.TrimPrefix(page.URL, "http://")}
	result := patient{Registry: server, side: registry.SideTarget}.look(t)
	wants(t, result, "contact", finding.Failed, "401")
	wants(t, result, "authentication", finding.NotLookedAt, "wants a login")
}

// What stands before a registry, or is none, is told apart.
func TestNoRegistry(t *testing.T) {
	page := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) })
	server := &registrytest.Registry{Host: strings.TrimPrefix(page.URL, "http://")}
	wants(t, patient{Registry: server}.look(t), "contact", finding.Failed, "no registry")
	result := patient{Registry: &registrytest.Registry{Host: "registry.invalid"}}.look(t)
	wants(t, result, "name", finding.Failed, "registry.invalid")
	wants(t, result, "contact", finding.Failed, "registry.invalid")
}

// A probe that gets no answer does not hold up the others for longer than its time.
func TestSilence(t *testing.T) {
	behind := holding(t, inProcess(t, registrytest.Options{}), "team/app", "team/other")
	front := registrytest.Front(t, behind, faults.Silence(faults.On(registrytest.GetManifest).In("team/app"), faults.Always))
	result := patient{Registry: front, Options: checkup.Options{Timeout: 300 * time.Millisecond}}.look(t)
	wants(t, result, "pull", finding.Failed, "no answer within 300ms")
	wants(t, result, "repositories", finding.OK, "all 2 are there")
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client, err := remote.New("registry.invalid", remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := checkup.Run(ctx, checkup.Options{Client: client, Recorder: new(checkup.Recorder)}); err == nil {
		t.Error("Run() of a context that has ended = nil, want its error")
	}
}

func TestRedirects(t *testing.T) {
	behind := holding(t, inProcess(t, registrytest.Options{}), "team/app", "team/other")
	elsewhere := strings.Replace(behind.URL, "127.0.0.1", "localhost", 1)
	front := registrytest.Front(t, behind, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/sha256:") {
				http.Redirect(w, r, elsewhere+r.URL.Path, http.StatusTemporaryRedirect)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	wants(t, patient{Registry: front}.look(t), "redirects", finding.OK, "downloads are redirected to localhost:")
}

// A proxy that cannot be read is none to net/http, and says so nowhere.
func TestAProxyThatIsNoAddress(t *testing.T) {
	t.Setenv("HTTPS_PROXY", ":://robot:s3cret@proxy")
	found := wants(t, patient{Registry: inProcess(t, registrytest.Options{})}.look(t), "proxy", finding.Failed, "HTTPS_PROXY names a proxy that is no address")
	if strings.Contains(found.Says, "s3cret") {
		t.Errorf("the finding tells the password: %s", found.Says)
	}
	t.Setenv("HTTPS_PROXY", "proxy.example.com:3128")
	wants(t, patient{Registry: inProcess(t, registrytest.Options{})}.look(t), "proxy", finding.OK, "is exempt from it")
}
