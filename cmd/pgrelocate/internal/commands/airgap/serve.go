package airgap

import (
	"context"
	"net"
	"net/http"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/server"
	"github.com/pgrelocate/pgrelocate/internal/registry/server/certificate"
)

// serveOptions are the flags of serve that are no settings.
type serveOptions struct {
	listen     string
	cert, key  string
	selfSigned string
	htpasswd   string
	unchecked  bool
}

// NewServeCommand makes `pgrelocate serve`.
func NewServeCommand(a *app.App) *cobra.Command {
	var file flagset.BundleFlags
	var opts serveOptions
	cmd := &cobra.Command{
		Use:   "serve FILE...",
		Short: "Be a read-only registry for a bundle",
		Long: `Serve a bundle, or a directory with an OCI image layout, as a read-only registry, without
unpacking it: for sites that have none, or to seed nodes. containerd, crane, skopeo and
helm pull from it; "pgrelocate install --registry" installs from it.

Images are found under their names in a private registry, tanzu-sql-postgres/..., and
under those that they have at the vendor, so that it can be a mirror in containerd's
hosts.toml. Nothing can be pushed. It listens on the loopback unless --listen says
otherwise, and ends with Ctrl-C.`,
		Example: `  pgrelocate serve pg.tar

  # for the nodes: HTTPS with a certificate of its own, and users
  htpasswd -Bc users alice
  pgrelocate serve pg.tar --listen 10.0.0.5:5000 \
    --tls-self-signed ./tls --htpasswd users`,
		ValidArgsFunction: flagset.FileNames,
		RunE: flagset.WithBundle(a, &file, func(ctx context.Context, cfg *config.Config, _ []string) error {
			return serveBundle(ctx, a, cfg, file, opts)
		}),
	}
	flags := cmd.Flags()
	file.AddFlags(flags)
	flags.StringVar(&opts.listen, "listen", "127.0.0.1:5000", "`ADDRESS` to listen on; port 0 takes a free one")
	flags.StringVar(&opts.cert, "tls-cert", "", "PEM `FILE` with the certificate for HTTPS")
	flags.StringVar(&opts.key, "tls-key", "", "PEM `FILE` with its key")
	flags.StringVar(&opts.selfSigned, "tls-self-signed", "", "HTTPS with a certificate of our own making, kept in `FOLDER` and renewed where it no longer fits; clients have to trust the tls.crt there")
	flags.StringVar(&opts.htpasswd, "htpasswd", "", "let in only the users in `FILE`, as htpasswd -B writes it")
	flags.BoolVar(&opts.unchecked, "unchecked", false, "start at once, without checking every byte first")
	a.Settings.AddFlags(flags, []string{"catalogue"})
	return cmd
}

// check finds flags that do not go together.
func (o serveOptions) check() error {
	switch {
	case (o.cert == "") != (o.key == ""):
		return exit.Usagef("--tls-cert and --tls-key go together")
	case o.cert != "" && o.selfSigned != "":
		return exit.Usagef("--tls-cert and --tls-self-signed exclude each other")
	}
	return nil
}

func serveBundle(ctx context.Context, a *app.App, cfg *config.Config, file flagset.BundleFlags, opts serveOptions) error {
	if err := opts.check(); err != nil {
		return err
	}
	wanted, err := file.Need(ctx, a)
	if err != nil {
		return err
	}
	door, err := opts.door(ctx, a)
	if err != nil {
		return err
	}
	defer door.Close()
	b, err := openServed(ctx, a, cfg, wanted, opts.unchecked)
	if err != nil {
		return err
	}
	defer b.Close()
	opts.announce(a, b, door)
	return server.Run(ctx, door, door.guard(logged(a, server.New(b))), door.certificate)
}

// openServed opens the bundle, and checks it unless that is not wanted.
func openServed(ctx context.Context, a *app.App, cfg *config.Config, file relocate.BundleFile, unchecked bool) (*bundle.Bundle, error) {
	b, err := a.Session(cfg).OpenChecked(ctx, file, unchecked)
	if err != nil {
		return nil, err
	}
	if n := len(b.Lock().Omitted()); n > 0 {
		a.Warn("this is a delta: %s of it are not here, and cannot be pulled", output.Count(n, "blob"))
	}
	return b, nil
}

// logged tells about each request with -v.
func logged(a *app.App, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.Detail("%s %s %s", r.RemoteAddr, r.Method, r.URL.EscapedPath())
		next.ServeHTTP(w, r)
	})
}

// announce says where the registry is, and what is missing for more than the loopback.
func (o serveOptions) announce(a *app.App, b *bundle.Bundle, door *door) {
	a.Note("serving %s on %s", output.Count(len(b.Lock().Artifacts), "artifact"), door.address())
	if o.selfSigned != "" {
		a.Note("clients have to trust %s", filepath.Join(o.selfSigned, certificate.File))
	}
	tcp, ok := door.Addr().(*net.TCPAddr)
	if ok && !tcp.IP.IsLoopback() && door.certificate == nil {
		a.Warn("others can reach this registry, and it does not speak HTTPS: see --tls-cert and --tls-self-signed")
	}
}
