package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// saveOptions are the flags of save that are no settings.
type saveOptions struct {
	file      string
	since     string
	volume    size
	signKey   string
	resume    bool
	overwrite bool
}

func newSaveCommand(a *app) *cobra.Command {
	var opts saveOptions
	cmd := &cobra.Command{
		Use:   "save",
		Short: "Write a release into a file that crosses an air gap",
		Long: `Write the selected artifacts into a bundle: one file that "pgrelocate load" puts into the
private registry on the other side, where no machine reaches both.

The bundle is an OCI image layout in a tar, with every distinct layer in it once, the
signatures and SBOMs, and a lock that names everything by digest. A checksum file for
"sha256sum -c" is written beside it. The file has its name when it is complete, and not
before: until then it is called FILE.partial, and the same command carries on with it.

--since leaves out what the other side has: it takes an earlier bundle, or what
"pgrelocate receipt" wrote there. --volume-size splits the file for media with limits.
--file - writes to standard output.

What is relocated stays under its vendor's licence terms.`,
		Example: `  # PostgreSQL 17.5 and 16.9 of the newest release
  pgrelocate save --versions 17.5,16.9 -f pg.tar

  # only what is new since the last bundle, in files of 4 GiB
  pgrelocate save -f pg-next.tar --since pg.tar --volume-size 4GiB

  # from the private registry, signed
  PGRELOCATE_SIGNING_PASSWORD=... \
    pgrelocate save --source registry.example.com/tanzu-sql-postgres -f pg.tar --sign-key minisign.key

  # through a pipe
  pgrelocate save -f - | ssh inside "pgrelocate load -f - --registry registry.example.com"`,
		Args: noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return save(ctx, a, cfg, opts)
		}),
	}
	flags := cmd.Flags()
	flags.StringVarP(&opts.file, "file", "f", "", "write the bundle to `FILE`, or to standard output where it is -")
	flags.StringVar(&opts.since, "since", "", "leave out what the lock, receipt or bundle in `FILE` holds")
	flags.Var(&opts.volume, "volume-size", "split the bundle into files of `SIZE`, 4GiB; they are called FILE.001 and so on")
	flags.StringVar(&opts.signKey, "sign-key", "", "sign the bundle with the minisign key in `FILE`; PGRELOCATE_SIGNING_PASSWORD opens it")
	flags.BoolVar(&opts.resume, "resume", true, "carry on with what an interrupted run left")
	flags.BoolVar(&opts.overwrite, "overwrite", false, "replace the bundle of that name, with all of its volumes, if it exists")
	a.settings.AddFlags(flags, config.Selection, []string{"source", "source-plain-http", "platform", "signatures"}, connection("plain-http"), config.Output)
	return cmd
}

// connection is the group of that name without some of it.
func connection(without ...string) []string {
	var kept []string
	for _, key := range config.Connection {
		if key != without[0] {
			kept = append(kept, key)
		}
	}
	return kept
}

func save(ctx context.Context, a *app, cfg *config.Config, opts saveOptions) error {
	if opts.file == "" {
		return exit.Usagef("which file? --file FILE is missing")
	}
	if info, err := os.Stat(opts.file); err == nil && info.IsDir() {
		return exit.Usagef("--file: %s is a folder", opts.file).WithHint("name a file in it: %s", filepath.Join(opts.file, "bundle.tar"))
	}
	if opts.file == "-" && a.OutTTY {
		return exit.Usagef("a bundle does not belong on a terminal").WithHint("redirect it, or name a file")
	}
	if opts.volume != 0 && opts.volume < write.MinVolume {
		return exit.Usagef("--volume-size: %d bytes are too few; %d at least", opts.volume, write.MinVolume)
	}
	if opts.volume != 0 && opts.file == "-" {
		return exit.Usagef("--volume-size: what goes to standard output is in one piece")
	}
	cfg = withoutTarget(cfg)
	ends := a.registries(cfg)
	defer ends.close()
	content, err := collect(ctx, a, cfg, ends)
	if err != nil {
		return err
	}
	sealed, err := opts.content(ctx, content)
	if err != nil {
		return err
	}
	written, err := writeBundle(ctx, a, cfg, sealed, content.Open, opts)
	if err != nil {
		return err
	}
	a.notices(cfg)
	if opts.file == "-" {
		a.note("streamed %s, sha256 %s", output.Bytes(written.Size), written.SHA256[0])
		return nil
	}
	return a.print(cfg, view.NewSaved(written, &ends.fromSource))
}

// collect asks the source for everything that is selected. A bundle is whole or is not
// written.
func collect(ctx context.Context, a *app, cfg *config.Config, ends *registries) (*lock.Collection, error) {
	artifacts, err := a.artifacts(cfg)
	if err != nil {
		return nil, err
	}
	catalogue, err := a.catalogue(cfg)
	if err != nil {
		return nil, err
	}
	a.note("reading %s of %s", output.Count(len(artifacts), "artifact"), sourceFolder(artifacts))
	content, err := lock.Collect(ctx, ends.sourcesOf(ctx, artifacts), artifacts, catalogue, plan.Options{
		Platform:           cfg.Platform,
		WithoutAttachments: !cfg.Signatures,
	})
	if err != nil {
		return nil, err
	}
	for _, warning := range content.Warnings {
		a.warn("%s", warning)
	}
	failed := newFailures(len(artifacts))
	for _, missing := range content.Failed {
		failed.add(a, missing.Artifact, missing.Err)
	}
	if err := failed.err(); err != nil {
		return nil, err
	}
	return content, nil
}

// content is what was collected, with what the flags say.
func (o saveOptions) content(ctx context.Context, found *lock.Collection) (*write.Content, error) {
	content := &write.Content{Content: found.Content}
	var err error
	if o.since != "" {
		if content.Since, err = bundle.ReadLock(ctx, o.since); err != nil {
			return nil, exit.Usagef("--since: %w", err)
		}
	}
	if o.signKey != "" {
		key, err := os.ReadFile(o.signKey)
		if err != nil {
			return nil, exit.Usagef("--sign-key: %w", err)
		}
		if content.Sign, err = bundle.Signer(key, os.Getenv("PGRELOCATE_SIGNING_PASSWORD")); err != nil {
			return nil, &exit.UsageError{Err: fmt.Errorf("--sign-key: %s: %w", o.signKey, err), Advice: advice.For(err)}
		}
	}
	return content, nil
}

func writeBundle(ctx context.Context, a *app, cfg *config.Config, content *write.Content, fetch write.Fetch, opts saveOptions) (*write.Result, error) {
	meter := new(registry.Meter)
	how := write.Options{
		Jobs: cfg.Jobs, VolumeSize: int64(opts.volume), NoResume: !opts.resume, Overwrite: opts.overwrite,
		Meter: meter, Notice: func(line string) { a.note("%s", line) },
	}
	display := a.progress(cfg, meter)
	defer display.Stop()
	if opts.file == "-" {
		// What waits for its turn is used again and again: garbage need not pile up beside it.
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(32 << 20))
		return write.Stream(ctx, a.Out, content, fetch, how)
	}
	written, err := write.File(ctx, opts.file, content, fetch, how)
	if err != nil && meter.BytesDone.Load() > 0 {
		a.note("what has come stays in %s.partial; run the same command again to carry on", opts.file)
	}
	return written, err
}
