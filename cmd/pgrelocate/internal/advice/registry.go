package advice

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// refusedByRegistry is for what a registry, or the way to it, has refused.
func refusedByRegistry(err error) string {
	var failed *registry.Error
	if !errors.As(err, &failed) || failed.Host == "" {
		return ""
	}
	var certificate *registry.CertificateError
	switch {
	case errors.Is(failed, registry.ErrQuota):
		return fmt.Sprintf("%s has no room left for this: raise the quota, or remove there what nobody needs any more", failed.Host)
	case errors.Is(failed, registry.ErrExpired), errors.Is(failed, registry.ErrUnauthorized), errors.Is(failed, registry.ErrForbidden):
		return refusedAccess(failed)
	case errors.As(failed, &certificate):
		return wrongCertificate(certificate)
	}
	return unusable(failed)
}

// unknownWay is for a registry to which no login would help: it asks for one in a way that nobody here knows.
func unknownWay(err error) string {
	var failed *registry.Error
	var access *registry.AccessError
	if !errors.As(err, &failed) || !errors.As(failed, &access) || len(access.Ways) == 0 {
		return ""
	}
	return fmt.Sprintf("%s asks for a login by %s, and only basic and bearer are known here: have it, or the proxy before it, offer one of those",
		failed.Host, strings.Join(access.Ways, " or "))
}

// refusedAccess is for credentials that were refused, or may not do what they were used for.
func refusedAccess(failed *registry.Error) string {
	who := strings.TrimSpace(string(failed.Side) + " " + failed.Host)
	var access *registry.AccessError
	switch {
	case !errors.As(failed, &access):
		return ""
	case access.Elsewhere != "":
		return fmt.Sprintf("%s points to %s, which gets no credentials of ours: what it points to has to be open, or signed for a while; run it again, or ask who runs the %s",
			failed.Host, access.Elsewhere, who)
	case errors.Is(access, registry.ErrExpired), errors.Is(access, registry.ErrUnauthorized) && !access.Anonymous:
		return fmt.Sprintf("the token or password for the %s has probably expired or is wrong: get a new one and run `pgrelocate login %s`",
			who, failed.Host)
	case errors.Is(access, registry.ErrUnauthorized):
		return fmt.Sprintf("no credentials for the %s: run `pgrelocate login %s`", who, failed.Host)
	case access.Repository == "": // at the door
		return fmt.Sprintf("%s knows this login and does not let it in: ask for that permission, or use another login", failed.Host)
	case access.Delete:
		return fmt.Sprintf("the credentials for the %s may not delete anything in %s: ask for that permission, or have somebody prune who has it", who, access.Repository)
	case access.Push:
		return fmt.Sprintf("the credentials for the %s may not write to %s: ask for that permission, or check the repository's name", who, access.Repository)
	}
	return fmt.Sprintf("the credentials for the %s may not read %s: ask for that permission, or check the repository's name", who, access.Repository)
}

func wrongCertificate(wrong *registry.CertificateError) string {
	switch wrong.Problem {
	case registry.CertificateUntrusted:
		return fmt.Sprintf("if %s uses a private certificate authority, name its file with --ca-file or put it into /etc/docker/certs.d/%s/ca.crt",
			wrong.Host, wrong.Host)
	case registry.CertificateExpired:
		return fmt.Sprintf("have the certificate of %s renewed; if it is a new one, look at this machine's clock", wrong.Host)
	case registry.CertificateOtherName:
		return fmt.Sprintf("use a name that the certificate is for, or have one issued for %s, as a subject alternative name", wrong.Host)
	case registry.CertificateWanted:
		return fmt.Sprintf("%s lets in who presents a certificate: put client.cert and client.key into /etc/docker/certs.d/%s/", wrong.Host, wrong.Host)
	}
	return ""
}

// unusable is for a registry that cannot be used as it is, or not from here.
func unusable(failed *registry.Error) string {
	var access *registry.AccessError
	var proxy *registry.ProxyError
	switch {
	case errors.As(failed, &proxy):
		return wrongProxy(failed.Host, proxy)
	case errors.Is(failed, registry.ErrTokens):
		return fmt.Sprintf("%s sends everybody to a token server, and that one gives no token, whoever asks: try again later, and tell whoever runs it what it says", failed.Host)
	case errors.As(failed, &access) && access.Push && errors.Is(access, registry.ErrRepositoryUnknown):
		return fmt.Sprintf("%s does not create repositories on push: create %s first", failed.Host, access.Repository)
	case errors.Is(failed, registry.ErrReadOnly):
		return fmt.Sprintf("%s cannot be pushed to, whoever does: it is read-only for now, or a mirror of another registry, which is the one to name", failed.Host)
	case errors.Is(failed, registry.ErrKeeps):
		return fmt.Sprintf("%s deletes nothing by this way, whoever asks: have who runs it allow that, or remove what was listed by the registry's own means", failed.Host)
	case errors.Is(failed, registry.ErrKeepsOther):
		return fmt.Sprintf("the storage of %s is damaged, and nothing that is sent replaces what lies there: have who runs it remove the blob, and run it again", failed.Host)
	case errors.Is(failed, registry.ErrTooLarge):
		return fmt.Sprintf("a proxy before %s refuses large request bodies and the registry takes no chunks: raise the proxy's limit (nginx: client_max_body_size 0)", failed.Host)
	case errors.Is(failed, registry.ErrProxy):
		return fmt.Sprintf("look at HTTPS_PROXY, with its user and password, and whether %s belongs into NO_PROXY", failed.Host)
	case errors.Is(failed, registry.ErrPlainHTTP):
		return fmt.Sprintf("%s speaks plain HTTP: allow that with %s if you trust the network between", failed.Host, plainHTTPFlag(failed.Side))
	case errors.Is(failed, registry.ErrNoRegistry):
		return fmt.Sprintf("%s does not speak the protocol of registries: is it the right name and port?", failed.Host)
	case goneFromIndex(failed):
		return "the vendor's index names an image that is not there; if it is for a platform that nobody here needs, --platform OS/ARCH copies the one that is"
	case errors.Is(failed, registry.ErrUnreachable):
		return fmt.Sprintf("is %s the right name and port, and can this machine reach it?", failed.Host)
	case errors.Is(failed, registry.ErrStalled):
		return fmt.Sprintf("hardly anything moves between %s and here: look at the network between; a slow line wants fewer transfers at once (--jobs 2) and more time (--stall-timeout 5m)", failed.Host)
	}
	return ""
}

// wrongProxy is for what did not get through the proxy that the environment names.
func wrongProxy(host string, wrong *registry.ProxyError) string {
	switch wrong.Problem {
	case registry.ProxyRefuses:
		return fmt.Sprintf("look at %s, with its user and password, and whether %s belongs into NO_PROXY", wrong.Variable, host)
	case registry.ProxyUnreadable:
		return fmt.Sprintf("write the proxy as http://HOST:PORT into %s, or unset that variable", wrong.Variable)
	}
	return fmt.Sprintf("requests to %s go through the proxy that %s names: see whether that is the right one and works, or let them go past it with NO_PROXY", host, wrong.Variable)
}

// goneFromIndex tells that an index of the vendor's names an image that is not there: nothing
// else is fetched by its digest.
func goneFromIndex(failed *registry.Error) bool {
	return failed.Side == registry.SideSource && failed.Op == "fetching manifest" &&
		strings.Contains(failed.Ref, "@") && errors.Is(failed, registry.ErrNotFound)
}

// plainHTTPFlag is the flag for a side: allowing plain HTTP for one registry must not open the
// way to the other's credentials.
func plainHTTPFlag(side registry.Side) string {
	if side == registry.SideSource {
		return "--source-plain-http"
	}
	return "--plain-http"
}
