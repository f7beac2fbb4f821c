package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// The bound is one for the run: what begins in an outage that has lasted as long is not tried
// again, and an answer ends the outage.
func TestRetryTimeoutBoundsARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := heardClient()
		failing := &NetError{Err: io.ErrUnexpectedEOF}
		started := time.Now()
		for range 20 { // one wave after the other
			r := client.NewRetry("fetching")
			for r.Wait(t.Context(), failing) == nil {
				time.Sleep(20 * time.Second)
			}
		}
		if took := time.Since(started); took > DefaultRetryTimeout+time.Minute {
			t.Errorf("20 operations gave up after %s, want about %s", took, DefaultRetryTimeout)
		}
		client.outage.over()
		if err := client.NewRetry("fetching").Wait(t.Context(), failing); err != nil {
			t.Errorf("Wait() = %v after an answer, want another try", err)
		}
	})
}

// A name that has resolved does so again; one that never has is a mistake.
func TestNamesThatStopResolving(t *testing.T) {
	var gone atomic.Int64
	server := httptest.NewServer(listsTags(nil))
	t.Cleanup(server.Close)
	client := newClient(t, "registry.localhost", Options{})
	client.transport.DisableKeepAlives = true
	client.transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		if gone.Add(-1) >= 0 {
			return nil, &net.DNSError{Err: "no such host", Name: "registry.localhost", IsNotFound: true}
		}
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	gone.Store(1)
	if _, err := client.Tags(t.Context(), "a"); err == nil || client.Retries() != 0 {
		t.Errorf("Tags() = %v after %d retries, want that nobody knows the name at once", err, client.Retries())
	}
	client = verbs{must(New("registry.localhost", Options{CertsDirs: []string{}}))}
	client.transport.DisableKeepAlives = true
	client.transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		if gone.Add(-1) >= 0 {
			return nil, &net.DNSError{Err: "no such host", Name: "registry.localhost", IsNotFound: true}
		}
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	gone.Store(0)
	if _, err := client.Tags(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	gone.Store(3)
	if _, err := client.Tags(t.Context(), "a"); err != nil {
		t.Errorf("Tags() = %v while the name does not resolve for a while, want no error", err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// A body that drips never stalls, and yet ends.
func TestReadAllOfABodyThatDrips(t *testing.T) {
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	}), Options{StallTimeout: 100 * time.Millisecond, StallBytes: 1})
	resp, err := client.Do(t.Context(), Request{Op: "listing", Method: http.MethodGet, Path: "/v2/", Accept: []int{http.StatusOK}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := resp.ReadAll(1 << 20); !errors.Is(err, errStalled) || !Retryable(err) {
		t.Errorf("ReadAll() = %v, want that it stalled", err)
	}
}

// What a proxy refuses is not tried again, with its password.
func TestProxyThatRefuses(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusProxyAuthRequired} {
		var asked atomic.Int64
		proxy := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.WriteHeader(status)
		})
		client := newClient(t, "registry.example.com", Options{})
		client.transport.Proxy = func(*http.Request) (*url.URL, error) {
			return url.Parse("http://user:very-secret@" + proxy.Listener.Addr().String())
		}
		_, err := client.Tags(t.Context(), "a")
		if !errors.Is(err, registry.ErrProxy) || strings.Contains(err.Error(), "very-secret") {
			t.Errorf("Tags() = %v where the proxy says %d, want ErrProxy", err, status)
		}
		if asked.Load() != 1 {
			t.Errorf("the proxy was asked %d times, want once", asked.Load())
		}
	}
}

// A dead file in certs.d is left out with a warning; one that was named for this is an error.
func TestDeadCertificateFiles(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, "registry.example.com")
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "nowhere.pem"), filepath.Join(at, "redhat-ca.crt")); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(at, "old.crt")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var warnings []string
	opts := Options{CertsDirs: []string{dir}, Warning: func(line string) { warnings = append(warnings, line) }}
	if _, err := New("registry.example.com", opts); err != nil || len(warnings) != 2 {
		t.Errorf("New() = %v with the warnings %q, want no error and two warnings", err, warnings)
	}
	opts.CAFile = empty
	if _, err := New("registry.example.com", opts); err == nil {
		t.Error("New() has no error for a file of authorities that is empty")
	}
}

// An outage is told as it begins, as long as it lasts, and when an answer ends it; its words are
// those of the registry, without what it was sent.
func TestOutageIsTold(t *testing.T) {
	var failures atomic.Int64
	var told []registry.Outage
	client := tokenClient(t, secret.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if failures.Add(-1) >= 0 {
			http.Error(w, "closed until noon, "+secret.Password, http.StatusServiceUnavailable)
			return
		}
		listsTags(nil)(w, r)
	})), Options{Keychain: secret, RetryTimeout: time.Minute, Outage: func(o registry.Outage) { told = append(told, o) }})
	failures.Store(2)
	if _, err := client.Tags(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if len(told) != 3 || told[0].State != registry.OutageLasts || told[1].State != registry.OutageLasts || told[2].State != registry.OutageOver {
		t.Fatalf("told %+v, want an outage that lasts, lasts, and is over", told)
	}
	for _, o := range told[:2] {
		if left := o.Until.Sub(o.Since); o.Since != told[0].Since || left < 59*time.Second || left > 61*time.Second || !o.Next.After(o.Since) || o.Host != client.Host() || o.Side != registry.SideSource {
			t.Errorf("told %+v, want one minute from the first failure of %s on", o, client.Host())
		}
		if want := "503 Service Unavailable: closed until noon, ***"; o.Cause != want {
			t.Errorf("told %q, want %q", o.Cause, want)
		}
	}
	told = nil
	failures.Store(100)
	client.opts.RetryTimeout = time.Millisecond
	if _, err := client.Tags(t.Context(), "a"); err == nil || len(told) == 0 || told[len(told)-1].State != registry.OutageGivenUp {
		t.Errorf("Tags() = %v, told %+v, want an outage that is given up", err, told)
	}
}
