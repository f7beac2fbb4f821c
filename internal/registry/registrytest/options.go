package registrytest

import (
	"io"
	"net/http"
)

// Options say what a registry is like. The zero value is an empty registry over plain
// HTTP that lets everybody do everything.
type Options struct {
	// SparseIndexes has distribution v3 take indexes some of whose images are not there.
	SparseIndexes bool
	// TLS serves HTTPS with a certificate of a private authority: see Registry.CAFile.
	TLS bool
	// ClientCerts demands a certificate of that authority from clients; it implies TLS.
	ClientCerts bool
	// Accounts may use the registry, by basic authentication or, with Tokens, by tokens.
	// None lets everybody in.
	Accounts []Account
	// Tokens puts a token server before the registry. InProcess and Crane do not know it.
	Tokens *TokenOptions
	// ReadOnly refuses everything that would change the content.
	ReadOnly bool
	// HTTP1 leaves HTTP/2 out of what is offered over TLS.
	HTTP1 bool
	// AccessLog receives a line for each request, in Apache's combined format, when it has
	// been answered; nil writes none. InProcess does not know it.
	AccessLog io.Writer
	// Root is the folder that holds the content; empty means a temporary one. Debian's
	// registry and distribution read what the other wrote.
	Root string
	// CA signs the certificate; nil makes a new one.
	CA *CA
	// Wrap stands between clients and an InProcess registry, the first outermost. Put a
	// Front before the other registries.
	Wrap []Middleware
}

// Middleware is an HTTP handler round another.
type Middleware = func(http.Handler) http.Handler

// Account is a user of a registry.
type Account struct {
	Username, Password string
	// PullOnly accounts may not push. Only registries with Tokens tell the two apart.
	PullOnly bool
}

func (o Options) secure() bool { return o.TLS || o.ClientCerts }
