package advice

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// said is what a registry answered, of one kind or several.
func said(words string, kinds ...error) error {
	return fmt.Errorf("%s%w", words, errors.Join(kinds...))
}

func TestForRegistries(t *testing.T) {
	access := func(push, anonymous bool, kinds ...error) error {
		return &registry.AccessError{Repository: "team/app", Push: push, Anonymous: anonymous, Err: said("no", kinds...)}
	}
	certificate := func(problem registry.CertificateProblem) error {
		return &registry.CertificateError{Host: "store.example.com", Problem: problem, Err: errors.New("tls")}
	}
	const source, target = registry.SideSource, registry.SideTarget
	tests := []struct {
		name string
		side registry.Side
		err  error
		want string
	}{
		{"no credentials", source, access(false, true, registry.ErrUnauthorized),
			"no credentials for the source r.example.com: run `pgrelocate login r.example.com`"},
		{"a way to log in that is not known", source, &registry.AccessError{Anonymous: true, Ways: []string{"negotiate", "ntlm"}, Err: said("401", registry.ErrUnauthorized)},
			"r.example.com asks for a login by negotiate or ntlm, and only basic and bearer are known here: have it, or the proxy before it, offer one of those"},
		{"refused credentials", target, access(true, false, registry.ErrUnauthorized),
			"the token or password for the target r.example.com has probably expired or is wrong: get a new one and run `pgrelocate login r.example.com`"},
		{"expired with 403", target, access(true, false, registry.ErrForbidden, registry.ErrExpired),
			"the token or password for the target r.example.com has probably expired or is wrong: get a new one and run `pgrelocate login r.example.com`"},
		{"may not write", target, access(true, false, registry.ErrForbidden),
			"the credentials for the target r.example.com may not write to team/app: ask for that permission, or check the repository's name"},
		{"may not delete", target, &registry.AccessError{Repository: "team/app", Delete: true, Err: said("no", registry.ErrForbidden)},
			"the credentials for the target r.example.com may not delete anything in team/app: ask for that permission, or have somebody prune who has it"},
		{"may not read", source, access(false, false, registry.ErrForbidden),
			"the credentials for the source r.example.com may not read team/app: ask for that permission, or check the repository's name"},
		{"may not come in", "", &registry.AccessError{Err: said("no", registry.ErrForbidden)},
			"r.example.com knows this login and does not let it in: ask for that permission, or use another login"},
		{"no such repository to write to", target, access(true, false, registry.ErrRepositoryUnknown),
			"r.example.com does not create repositories on push: create team/app first"},
		{"read-only", target, said("405", registry.ErrReadOnly),
			"r.example.com cannot be pushed to, whoever does: it is read-only for now, or a mirror of another registry, which is the one to name"},
		{"keeps what it has", target, said("", registry.ErrKeepsOther),
			"the storage of r.example.com is damaged, and nothing that is sent replaces what lies there: have who runs it remove the blob, and run it again"},
		{"no room", target, said("507", registry.ErrQuota),
			"r.example.com has no room left for this: raise the quota, or remove there what nobody needs any more"},
		{"too large", target, said("413", registry.ErrTooLarge),
			"a proxy before r.example.com refuses large request bodies and the registry takes no chunks: raise the proxy's limit (nginx: client_max_body_size 0)"},
		{"plain HTTP", source, said("", registry.ErrPlainHTTP, registry.ErrUnreachable),
			"r.example.com speaks plain HTTP: allow that with --source-plain-http if you trust the network between"},
		{"plain HTTP", target, said("", registry.ErrPlainHTTP),
			"r.example.com speaks plain HTTP: allow that with --plain-http if you trust the network between"},
		{"no token", target, said("500", registry.ErrTokens, registry.ErrStalled),
			"r.example.com sends everybody to a token server, and that one gives no token, whoever asks: try again later, and tell whoever runs it what it says"},
		{"unreachable", target, said("", registry.ErrUnreachable),
			"is r.example.com the right name and port, and can this machine reach it?"},
		{"stalled", source, said("", registry.ErrStalled, registry.ErrUnavailable),
			"hardly anything moves between r.example.com and here: look at the network between; a slow line wants fewer transfers at once (--jobs 2) and more time (--stall-timeout 5m)"},
		{"untrusted", target, certificate(registry.CertificateUntrusted),
			"if store.example.com uses a private certificate authority, name its file with --ca-file or put it into /etc/docker/certs.d/store.example.com/ca.crt"},
		{"expired certificate", target, certificate(registry.CertificateExpired),
			"have the certificate of store.example.com renewed; if it is a new one, look at this machine's clock"},
		{"another name", target, certificate(registry.CertificateOtherName),
			"use a name that the certificate is for, or have one issued for store.example.com, as a subject alternative name"},
		{"our certificate", target, certificate(registry.CertificateWanted),
			"store.example.com lets in who presents a certificate: put client.cert and client.key into /etc/docker/certs.d/store.example.com/"},
		{"a broken certificate", target, certificate(registry.CertificateInvalid), ""},
		{"no registry", target, said("404", registry.ErrNoRegistry),
			"r.example.com does not speak the protocol of registries: is it the right name and port?"},
		{"proxy", target, said("407", registry.ErrProxy),
			"look at HTTPS_PROXY, with its user and password, and whether r.example.com belongs into NO_PROXY"},
		{"proxy that refuses", source, &registry.ProxyError{Variable: "https_proxy", Problem: registry.ProxyRefuses},
			"look at https_proxy, with its user and password, and whether r.example.com belongs into NO_PROXY"},
		{"proxy that cannot be read", source, &registry.ProxyError{Variable: "HTTP_PROXY", Problem: registry.ProxyUnreadable},
			"write the proxy as http://HOST:PORT into HTTP_PROXY, or unset that variable"},
		{"proxy that fails", target, said("", registry.ErrUnreachable, &registry.ProxyError{Variable: "HTTPS_PROXY"}),
			"requests to r.example.com go through the proxy that HTTPS_PROXY names: see whether that is the right one and works, or let them go past it with NO_PROXY"},
		{"not found", source, said("404", registry.ErrNotFound), ""},
	}
	for _, tt := range tests {
		err := error(&registry.Error{Op: "fetching", Side: tt.side, Host: "r.example.com", Ref: "r.example.com/team/app:v1", Err: tt.err})
		if got := For(fmt.Errorf("planning: %w", err)); got != tt.want {
			t.Errorf("%s: For(%v) = %q, want %q", tt.name, err, got, tt.want)
		}
	}
}

func TestForAnIndexThatNamesWhatIsGone(t *testing.T) {
	gone := &registry.Error{Op: "fetching manifest", Side: registry.SideSource, Host: "r.example.com", Ref: "r.example.com/a@sha256:0", Err: registry.ErrNotFound}
	if got := For(gone); !strings.Contains(got, "--platform") {
		t.Errorf("For(%v) = %q, want --platform in it", gone, got)
	}
}

// Credentials in the environment are blamed where they were sent, and nowhere else: a plan or a lock may name
// another host than they are for.
func TestForCredentialsInTheEnvironment(t *testing.T) {
	t.Setenv("PGRELOCATE_SOURCE_USERNAME", "ci")
	t.Setenv("PGRELOCATE_SOURCE_PASSWORD", "secret")
	for anonymous, want := range map[bool]string{
		false: "the credentials in PGRELOCATE_SOURCE_PASSWORD are wrong for the source, or have expired: set new ones",
		true:  "no credentials for the source r.example.com: run `pgrelocate login r.example.com`",
	} {
		err := &registry.Error{Op: "looking up", Side: registry.SideSource, Host: "r.example.com", Ref: "r.example.com/a:1", Err: &registry.AccessError{
			Repository: "a", Anonymous: anonymous, Err: said("401", registry.ErrUnauthorized),
		}}
		if got := For(err); got != want {
			t.Errorf("For(a 401, anonymous: %v) = %q, want %q", anonymous, got, want)
		}
	}
}
