package relocate

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/chart/repository"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/uploads"
	"github.com/pgrelocate/pgrelocate/internal/secrets"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Clients makes the clients of one run. Nothing else makes any, so that what the settings say of
// connections holds for each of them: certificate authorities, plain HTTP, timeouts, and for
// all clients of a registry together the limits on requests and bytes. All are counted. It is
// safe for concurrent use.
type Clients struct {
	cfg       *config.Config
	userAgent string
	notice    func(string)
	warning   func(string)
	outage    func(registry.Outage)
	secrets   *secrets.Set                                        // see Options
	expires   func(side registry.Side, host string, at time.Time) // see Hooks
	// fromFolder is as in Options; announce says it, once.
	fromFolder []string
	announce   func()

	// FromSource and ToTarget count what goes over the wire.
	FromSource, ToTarget registry.Traffic

	// parent has the sources of clients for one of several private registries; nil of all others.
	parent *Clients

	mu      sync.Mutex
	sources map[string]*remote.Client
	target  *remote.Client
	limits  map[peer]*remote.Limits
	opened  []interface{ Close() }
}

// peer is a registry on one side.
type peer struct {
	side registry.Side
	host string
}

// forTarget are the clients for one of several private registries. What comes from sources they have in
// common, and the limits on a registry.
func (c *Clients) forTarget(cfg *config.Config, notice, warning func(string), hooks Hooks) *Clients {
	fork := newClients(cfg, c.userAgent, notice, warning)
	fork.parent, fork.secrets, fork.fromFolder, fork.announce = c, c.secrets, c.fromFolder, c.announce
	fork.expires, fork.outage = hooks.Expires, hooks.Outage
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened = append(c.opened, closing(fork.close))
	return fork
}

// closing is something that is closed by a function.
type closing func()

// Close calls it.
func (c closing) Close() { c() }

func newClients(cfg *config.Config, userAgent string, notice, warning func(string)) *Clients {
	return &Clients{
		cfg: cfg, userAgent: userAgent, notice: notice, warning: warning,
		sources: map[string]*remote.Client{}, limits: map[peer]*remote.Limits{},
	}
}

// Source is the client of a host that artifacts come from; owner is the host to which the
// source's credentials in the environment may be sent.
func (c *Clients) Source(ctx context.Context, host, owner string) (*remote.Client, error) {
	if c.parent != nil {
		return c.parent.Source(ctx, host, owner)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.sources[host]; client != nil {
		return client, nil
	}
	client, err := c.withOwnLogin(ctx, registry.SideSource, host, owner, remote.Options{})
	if err == nil {
		c.sources[host] = client
	}
	return client, err
}

// Target is the client of the private registry; push says whether it is going to write there.
func (c *Clients) Target(ctx context.Context, push bool) (*remote.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.target != nil {
		return c.target, nil
	}
	host := c.cfg.Registry.Host
	client, err := c.withOwnLogin(ctx, registry.SideTarget, host, host, remote.Options{Push: push})
	if err == nil {
		c.target = client
		if push {
			client.KeepUploads(c.journal())
		}
	}
	return client, err
}

// journal is where open uploads are noted for the next run; nil where that cannot be, which
// stops nobody.
func (c *Clients) journal() *uploads.Journal {
	folder, err := c.cfg.StateFolder()
	if err == nil {
		var journal *uploads.Journal
		if journal, err = uploads.Open(filepath.Join(folder, "uploads")); err == nil {
			return journal
		}
	}
	c.notice(fmt.Sprintf("open uploads are not noted for the next run: %v", err))
	return nil
}

// As is a client of a private registry with a login that is not the user's own; the zero one
// is anonymous.
func (c *Clients) As(ctx context.Context, host string, login credentials.Login) (*remote.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.learn(login.Authenticator()); err != nil {
		return nil, err
	}
	return c.open(ctx, registry.SideTarget, host, remote.Options{Keychain: onlyLogin{host, login}})
}

// Trying is a client for somebody who waits to hear whether a registry accepts a login.
func (c *Clients) Trying(ctx context.Context, host string, login credentials.Login) (*remote.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.learn(login.Authenticator()); err != nil {
		return nil, err
	}
	return c.open(ctx, registry.SideTarget, host, remote.Options{
		Keychain: credentials.Keychain(host, login), RetryTimeout: loginPatience, StallTimeout: loginPatience,
	})
}

// loginPatience is how long a login is tried again, and an answer waited for: somebody is waiting.
const loginPatience = 20 * time.Second

// Charts is a classic chart repository. It gets the login of its own host alone, as a registry
// does; owner is the host to which the source's login in the environment may be sent.
func (c *Clients) Charts(ctx context.Context, at *url.URL, owner string) (*repository.Repository, error) {
	if c.parent != nil {
		return c.parent.Charts(ctx, at, owner)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	opts, err := c.ownLogin(ctx, registry.SideSource, at.Host, owner, remote.Options{})
	if err == nil {
		opts, err = c.shared(ctx, registry.SideSource, at.Host, opts)
	}
	if err != nil {
		return nil, err
	}
	charts, err := repository.New(at.String(), opts)
	if err == nil {
		c.opened = append(c.opened, charts)
	}
	return charts, err
}

// withOwnLogin is a client that presents the user's own login.
func (c *Clients) withOwnLogin(ctx context.Context, side registry.Side, host, owner string, opts remote.Options) (*remote.Client, error) {
	opts, err := c.ownLogin(ctx, side, host, owner, opts)
	if err != nil {
		return nil, err
	}
	return c.open(ctx, side, host, opts)
}

// ownLogin adds the user's own login, found in the environment of the side or where docker
// keeps it.
func (c *Clients) ownLogin(ctx context.Context, side registry.Side, host, owner string, opts remote.Options) (remote.Options, error) {
	if err := c.cfg.CheckAuthorities(); err != nil {
		return opts, err
	}
	given, err := credentials.FromEnvironment(config.Variable(SettingOf[side]))
	if err != nil {
		return opts, &exit.UsageError{Err: err}
	}
	if host == owner && !given.IsZero() {
		if err := c.MayReceive(side, host); err != nil {
			return opts, err
		}
	}
	opts.Keychain = credentials.Keychain(owner, given)
	return opts, c.readable(ctx, side, opts.Keychain, host)
}

// SettingOf is the setting that names a side's registry.
var SettingOf = map[registry.Side]string{registry.SideSource: "source", registry.SideTarget: "registry"}

// open is the one constructor of registries' clients.
func (c *Clients) open(ctx context.Context, side registry.Side, host string, opts remote.Options) (*remote.Client, error) {
	opts, err := c.shared(ctx, side, host, opts)
	if err != nil {
		return nil, err
	}
	client, err := remote.New(host, opts)
	if err == nil {
		c.opened = append(c.opened, client)
	}
	return client, err
}

// shared adds what all clients have in common.
func (c *Clients) shared(ctx context.Context, side registry.Side, host string, opts remote.Options) (remote.Options, error) {
	if err := c.cfg.CheckAuthorities(); err != nil {
		return opts, err
	}
	c.announce()
	if err := c.mayTravelOpen(ctx, side, host, opts.Keychain); err != nil {
		return opts, err
	}
	opts.Side = side
	opts.PlainHTTP, opts.Traffic = c.cfg.PlainHTTP, &c.ToTarget
	if side == registry.SideSource {
		opts.PlainHTTP, opts.Traffic = c.cfg.SourcePlainHTTP, &c.FromSource
	}
	opts.Limits, opts.Jobs = c.limitsOf(peer{side, host}), c.cfg.Jobs
	opts.CAFile = c.cfg.CAFile
	opts.StallTimeout = min(c.cfg.StallTimeout, cmp.Or(opts.StallTimeout, c.cfg.StallTimeout))
	if opts.RetryTimeout == 0 {
		opts.RetryTimeout = c.cfg.RetryTimeout
	}
	opts.Secrets = c.secrets
	opts.UserAgent, opts.Notice, opts.Warning, opts.Outage = c.userAgent, c.notice, c.warning, c.outage
	return opts, nil
}

// limitsOf are the limits on all clients of a registry together. The lock is held.
func (c *Clients) limitsOf(at peer) *remote.Limits {
	if c.parent != nil {
		c.parent.mu.Lock()
		defer c.parent.mu.Unlock()
		return c.parent.limitsOf(at)
	}
	if c.limits[at] == nil {
		c.limits[at] = remote.NewLimits(c.cfg.Jobs, c.cfg.LimitRate)
	}
	return c.limits[at]
}

// close closes idle connections.
func (c *Clients) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, client := range c.opened {
		client.Close()
	}
}

// readable finds out early what a keychain cannot read: later every artifact would fail
// for the same reason. What it has is hidden from then on.
func (c *Clients) readable(ctx context.Context, side registry.Side, keychain authn.Keychain, host string) error {
	resource, err := name.NewRegistry(host)
	if err != nil {
		return nil //nolint:nilerr // a name that is wrong is for the client to say
	}
	found, err := authn.Resolve(ctx, keychain, resource)
	if err == nil {
		err = c.learn(found)
	}
	if err == nil {
		c.tellExpiry(side, host, found)
	}
	return err
}

// tellExpiry tells when a login seems to expire, where it says so itself.
func (c *Clients) tellExpiry(side registry.Side, host string, login authn.Authenticator) {
	config, err := login.Authorization()
	if err != nil || c.expires == nil {
		return
	}
	if at, known := credentials.Expiry(*config); known {
		c.expires(side, host, at)
	}
}

// learn makes the secrets of a login known.
func (c *Clients) learn(login authn.Authenticator) error {
	config, err := login.Authorization()
	if err == nil && c.secrets != nil {
		c.secrets.Add(secrets.Of(*config)...)
	}
	return err
}

// OwnerOfCredentials is the host to which the source's credentials in the environment may be
// sent: that of the source that was named or, without one, the one registry that all artifacts
// come from. Where those come from several, each has to have its login in the docker config.
func OwnerOfCredentials(cfg *config.Config, artifacts []versions.Artifact) string {
	if !cfg.Source.IsZero() && len(cfg.Source.Named) == 0 {
		return cfg.Source.Host
	}
	host := ""
	for _, artifact := range artifacts {
		if !ofProduct(cfg, artifact) {
			continue
		}
		if host != "" && artifact.Source.Host != host {
			return ""
		}
		host = artifact.Source.Host
	}
	return host
}

// ofProduct tells whether an artifact is the chosen product's own, in a registry of its own:
// not of a prerequisite, nor what a chart names besides, nor in a chart repository.
func ofProduct(cfg *config.Config, a versions.Artifact) bool {
	return a.Product == cmp.Or(cfg.Product, versions.DefaultProduct) && a.Role != versions.RoleChartImage && a.ChartURL == ""
}

// onlyLogin presents one login to one host, and never what a docker config has.
type onlyLogin struct {
	host  string
	login credentials.Login
}

// Resolve implements authn.Keychain.
func (k onlyLogin) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	if resource.RegistryStr() != k.host {
		return authn.Anonymous, nil
	}
	if k.login.IsZero() {
		return authn.Anonymous, nil
	}
	return k.login.Authenticator(), nil
}
