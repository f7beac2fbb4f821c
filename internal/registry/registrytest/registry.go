package registrytest

import (
	"crypto/tls"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Registry is a registry that runs until the test ends, or a Front before one.
type Registry struct {
	// Host is its address, "127.0.0.1:41233"; URL has the scheme before it.
	Host, URL string
	// CA signed its certificate, and CAFile names the file; both are empty without TLS.
	CA     *CA
	CAFile string
	// Client is the certificate that it demands; empty unless Options.ClientCerts.
	Client Certificate
	// Accounts are those of Options.
	Accounts []Account
	// Tokens is the token server before it; nil without Options.Tokens.
	Tokens *TokenServer
	// Root is the folder that holds its content; empty where it is in memory.
	Root string

	transport   *http.Transport
	connections *atomic.Int64 // that are open, where it runs in this process
}

// newRegistry makes what all registries have in common, the address aside.
func newRegistry(tb testing.TB, opts Options) *Registry {
	tb.Helper()
	r := &Registry{Accounts: opts.Accounts, Root: opts.Root, CA: opts.CA}
	if !opts.secure() {
		r.CA = nil
		return r
	}
	if r.CA == nil {
		r.CA = NewCA(tb)
	}
	r.CAFile = r.CA.File
	if opts.ClientCerts {
		r.Client = r.CA.Issue(tb, "client")
	}
	return r
}

// listensOn completes the registry once its address is known.
func (r *Registry) listensOn(tb testing.TB, host string) {
	r.Host = host
	r.URL = "http://" + host
	r.transport = &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	tb.Cleanup(r.transport.CloseIdleConnections)
	if r.CA != nil {
		r.URL = "https://" + host
		r.transport.TLSClientConfig = r.ClientTLS()
	}
}

// ClientTLS is what a client needs to be let in; nil without TLS.
func (r *Registry) ClientTLS() *tls.Config {
	if r.CA == nil {
		return nil
	}
	config := &tls.Config{RootCAs: r.CA.Pool(), MinVersion: tls.VersionTLS12}
	if r.Client.CertFile != "" {
		config.Certificates = []tls.Certificate{r.Client.TLS}
	}
	return config
}

// serverTLS is what a server in this process serves with; nil without TLS.
func (r *Registry) serverTLS(tb testing.TB) *tls.Config {
	tb.Helper()
	if r.CA == nil {
		return nil
	}
	cert := r.CA.Issue(tb, "server")
	config := &tls.Config{Certificates: []tls.Certificate{cert.TLS}, MinVersion: tls.VersionTLS12}
	if r.Client.CertFile != "" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = r.CA.Pool()
	}
	return config
}

// CertsDir makes a folder that holds the registry's authority and client certificate the
// way docker's certs.d does, HOST/ca.crt, HOST/client.cert and HOST/client.key.
func (r *Registry) CertsDir(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	host := filepath.Join(dir, r.Host)
	copyFile(tb, r.CAFile, filepath.Join(host, "ca.crt"))
	if r.Client.CertFile != "" {
		copyFile(tb, r.Client.CertFile, filepath.Join(host, "client.cert"))
		copyFile(tb, r.Client.KeyFile, filepath.Join(host, "client.key"))
	}
	return dir
}

// Transport reaches the registry: it knows its authority and has its client certificate,
// but sends no credentials.
func (r *Registry) Transport() http.RoundTripper { return r.transport }

// Keychain has the registry's first account for this host, and is anonymous for others.
func (r *Registry) Keychain() authn.Keychain {
	if len(r.Accounts) == 0 {
		return Keychain{}
	}
	return Keychain{r.Host: r.Accounts[0]}
}

// Keychain has accounts by host, "127.0.0.1:5000". It is anonymous for other hosts.
type Keychain map[string]Account

// Resolve returns the account of a registry, or of the registry of a repository.
func (k Keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	account, ok := k[target.RegistryStr()]
	if !ok {
		return authn.Anonymous, nil
	}
	return &authn.Basic{Username: account.Username, Password: account.Password}, nil
}
