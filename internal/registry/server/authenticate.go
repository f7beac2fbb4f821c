package server

import (
	"net/http"
	"net/netip"
)

// Authenticate lets nobody through to next but the users of the file.
func Authenticate(next http.Handler, p *Passwords) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, given := r.BasicAuth()
		if !given {
			challenge(w)
			return
		}
		client, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address is a client like others
		switch ok, err := p.check(r.Context(), client.Addr(), user, password); {
		case err != nil:
			w.Header().Set("Retry-After", "1")
			fail(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "too many passwords are being checked for this client")
		case !ok:
			challenge(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// challenge asks for a user and a password.
func challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="pgrelocate"`)
	fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
}
