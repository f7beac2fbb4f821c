package mirror

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/internal/heed"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// loginOptions are the flags of `pgrelocate login`.
type loginOptions struct {
	username string
	stdin    bool
	// password catches --password, only to refuse it.
	password string
}

// NewLoginCommand makes `pgrelocate login`.
func NewLoginCommand(a *app.App) *cobra.Command {
	var opts loginOptions
	cmd := &cobra.Command{
		Use:   "login HOST",
		Short: "Log in to a registry",
		Long: `Check a user name and a password with a registry and, if it accepts them, keep them
where docker keeps them: in the credential helper that ~/.docker/config.json names, or in
that file itself. Docker, helm and other tools find them there, and pgrelocate finds
what "docker login" stored.

The password comes from standard input or, on a terminal, is asked for. Blanks and
newlines around it are removed. It cannot be given as a flag: other users of the machine
could read it there. Where a registry lets everybody in, a login cannot be checked: it is
kept, with a warning.

A registry token of the vendor's support portal expires within a day or two; log in again
with a new one. In CI, set PGRELOCATE_SOURCE_USERNAME and PGRELOCATE_SOURCE_PASSWORD for
the vendor's registry, PGRELOCATE_REGISTRY_USERNAME and PGRELOCATE_REGISTRY_PASSWORD for
your own, instead of logging in: nothing is written then.`,
		Example: `  # asks for the password
  pgrelocate login registry.example.com -u robot

  # from a file
  pgrelocate login tanzu-sql-postgres.packages.broadcom.com \
    -u me@example.com --password-stdin < token.txt`,
		Args: usage.ExactArgs("HOST"),
		RunE: a.With(func(ctx context.Context, cfg *config.Config, args []string) error {
			return login(ctx, a, cfg, args[0], opts)
		}),
	}
	flags := cmd.Flags()
	flags.StringVarP(&opts.username, "username", "u", "", "`USER` to log in as; <token> says that the password is an identity token")
	flags.BoolVar(&opts.stdin, "password-stdin", false, "read the password from standard input")
	flags.StringVarP(&opts.password, "password", "p", "", "")
	_ = flags.MarkHidden("password")
	a.Settings.AddFlags(flags, []string{"ca-file", "plain-http"})
	return cmd
}

// login checks a login with the registry before it stores it.
func login(ctx context.Context, a *app.App, cfg *config.Config, arg string, opts loginOptions) error {
	if opts.password != "" {
		return exit.Usagef("a password on the command line can be read by every user of this machine").
			WithHint("consider that one known to others, and use --password-stdin: pgrelocate login HOST -u USER --password-stdin < FILE")
	}
	host, err := hostOf(arg)
	if err != nil {
		return err
	}
	if _, err := credentials.DockerFile(); err != nil { // before anybody is asked for a password
		return &exit.UsageError{Err: err}
	}
	given, err := askLogin(ctx, a, host, opts)
	if err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	kept, err := s.Login(ctx, host, given)
	if err != nil {
		return err
	}
	if kept.Helper == "" {
		a.Warn("the password is kept unencrypted in %s; a docker credential helper would protect it", kept.File)
	}
	if kept.Unchecked {
		a.Warn("%s lets everybody in and asked for no login: nobody has checked this one", host)
		a.Note("the login for %s is kept in %s", host, kept.Storage)
		return nil
	}
	a.Note("logged in to %s; the login is kept in %s", host, kept.Storage)
	return nil
}

// hostOf is the registry of an argument that must not name more than that.
func hostOf(arg string) (string, error) {
	location, err := ref.ParseFolder(arg)
	if err != nil {
		return "", &exit.UsageError{Err: err}
	}
	if location.Path != "" {
		return "", exit.Usagef("logins are kept for a whole registry: name %s without %q", location.Host, "/"+location.Path)
	}
	return location.Host, nil
}

// askLogin gets user name and password from flags and standard input, or asks for them
// where there is somebody to ask.
func askLogin(ctx context.Context, a *app.App, host string, opts loginOptions) (credentials.Login, error) {
	given := credentials.Login{Username: strings.TrimSpace(opts.username)}
	if given.Username == "" && (opts.stdin || !a.InTTY) {
		return given, exit.Usagef("which user? -u USER is missing")
	}
	if !opts.stdin && !a.InTTY {
		return given, exit.Usagef("there is no terminal to ask for a password").
			WithHint("pipe it in: pgrelocate login %s -u USER --password-stdin < FILE", host)
	}
	secret, err := readSecret(ctx, a, host, opts, &given)
	if err != nil {
		return credentials.Login{}, err
	}
	if given.Password, err = credentials.Clean(secret); err != nil {
		return credentials.Login{}, &exit.UsageError{Err: err}
	}
	return given, nil
}

// readSecret reads the password, and before it the user name where that is missing.
func readSecret(ctx context.Context, a *app.App, host string, opts loginOptions, given *credentials.Login) (string, error) {
	if opts.stdin {
		return heed.Call(ctx, func() (string, error) { return flagset.ReadAll(a.In) })
	}
	if given.Username == "" {
		fmt.Fprintf(a.Err, "user name for %s: ", host)
		name, err := heed.Call(ctx, func() (string, error) { return flagset.ReadLine(a.In) })
		if err != nil {
			return "", err
		}
		given.Username = name
	}
	fmt.Fprintf(a.Err, "password of %s at %s: ", given.Username, host)
	secret, err := a.Secret(ctx)
	fmt.Fprintln(a.Err)
	return secret, err
}
