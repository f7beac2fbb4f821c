package airgap

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/ownimage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/saving"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/copies"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
)

// saveFlags are the flags of save that are no settings.
type saveFlags struct {
	file      string
	since     string
	volume    flagset.Size
	signKey   string
	resume    bool
	overwrite bool
	// withProgram takes an image of this program along, made of programs or of its own file.
	withProgram bool
	programs    []string
}

// NewSaveCommand makes `pgrelocate save`.
func NewSaveCommand(a *app.App) *cobra.Command {
	var flags saveFlags
	cmd := &cobra.Command{
		Use:   "save FILE",
		Short: "Write a release into a file that crosses an air gap",
		Long: `Write the selected artifacts into a bundle: one file that "pgrelocate load" puts into the
private registry on the other side, where no machine reaches both.

The bundle is an OCI image layout in a tar, with every distinct layer in it once, the
signatures and SBOMs, and a lock that names everything by digest. A checksum file for
"sha256sum -c" is written beside it. The file has its name when it is complete, and not
before: until then it is called FILE.partial, and the same command carries on with it.

--since leaves out what the other side has: it takes an earlier bundle, or what
"pgrelocate receipt" wrote there. --volume-size splits the file for media with limits.
The file - is standard output, and --file names one as an argument does.

--with-program takes an image of this program along: "pgrelocate load" puts it where "self
push" would, for clusters to run it in. It is for the platform of this very program, unless
--program names files that releases carry, one for each platform: linux/amd64 and arm64.

What is relocated stays under its vendor's licence terms.`,
		Example: `  # PostgreSQL 17.5 and 16.9 of the newest release
  pgrelocate save pg.tar --versions 17.5,16.9

  # only what is new since the last bundle, in files of 4 GiB
  pgrelocate save pg-next.tar --since pg.tar --volume-size 4GiB

  # from the private registry, signed
  PGRELOCATE_SIGNING_PASSWORD=... \
    pgrelocate save pg.tar --source registry.example.com/tanzu-sql-postgres \
    --sign-key minisign.key

  # the tool crosses the gap with its load, for both kinds of nodes
  pgrelocate save pg.tar --with-program \
    --program ./amd64/pgrelocate,./arm64/pgrelocate

  # through a pipe
  pgrelocate save - |
    ssh inside "pgrelocate load - --registry registry.example.com"`,
		ValidArgsFunction: flagset.FileNames,
		RunE: a.With(a.Reported("save", new(bool), func(ctx context.Context, cfg *config.Config, args []string) error {
			if err := usage.OneFile(&flags.file, args); err != nil {
				return err
			}
			return save(ctx, a, cfg, flags)
		})),
	}
	fs := cmd.Flags()
	fs.StringVarP(&flags.file, "file", "f", "", "write the bundle to `FILE`, as an argument names it")
	fs.StringVar(&flags.since, "since", "", "leave out what the lock, receipt or bundle in `FILE` holds")
	fs.Var(&flags.volume, "volume-size", "split the bundle into files of `SIZE`, 4GiB; they are called FILE.001 and so on")
	fs.StringVar(&flags.signKey, "sign-key", "", "sign the bundle with the minisign key in `FILE`; PGRELOCATE_SIGNING_PASSWORD opens it")
	fs.BoolVar(&flags.withProgram, "with-program", false, "take an image of this program along, for clusters to run it in")
	fs.StringSliceVar(&flags.programs, "program", nil, "with --with-program, make the image of these `FILES` instead of this very program")
	fs.BoolVar(&flags.resume, "resume", true, "carry on with what an interrupted run left")
	fs.BoolVar(&flags.overwrite, "overwrite", false, "replace the bundle of that name, with all of its volumes, if it exists")
	a.Settings.AddFlags(fs, config.Selection, config.Charts, config.Discovery, []string{"source", "source-plain-http", "platform", "index", "signatures"}, config.Admission, flagset.Connection("plain-http"), config.Reports, config.Output)
	return cmd
}

func save(ctx context.Context, a *app.App, cfg *config.Config, flags saveFlags) error {
	if flags.file == "-" && cfg.Events == config.Stdout {
		return exit.Usagef("the bundle and --events - both want standard output").WithHint("name a file for the events")
	}
	opts, err := flags.options(ctx, a)
	if err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	saved, err := saving.Save(ctx, s, opts)
	if err != nil {
		a.ListFailures(err)
		return err
	}
	a.Notice(s)
	if opts.Stream != nil {
		a.Report(copies.NewSaved(saved))
		a.Note("streamed %s, sha256 %s", output.Bytes(saved.Size), saved.SHA256[0])
		return nil
	}
	return a.Print(cfg, copies.NewSaved(saved))
}

// options are what the flags say, with the files that they name.
func (f saveFlags) options(ctx context.Context, a *app.App) (saving.Options, error) {
	opts := saving.Options{File: f.file, Volume: int64(f.volume), NoResume: !f.resume, Overwrite: f.overwrite}
	if err := f.check(a); err != nil {
		return opts, err
	}
	if f.file == "-" {
		opts.Stream = a.Out
	}
	var err error
	if opts.Program, err = f.program(a); err != nil {
		return opts, err
	}
	if f.since != "" {
		if opts.Since, err = bundle.ReadLock(ctx, f.since); err != nil {
			return opts, exit.Usagef("--since: %w", err)
		}
	}
	if f.signKey != "" {
		key, err := files.ReadSmall(ctx, f.signKey, flagset.LongestSecret)
		if err != nil {
			return opts, exit.Usagef("--sign-key: %w", err)
		}
		if opts.Sign, err = bundle.Signer(key, credentials.Variable(signingPassword)); err != nil {
			return opts, exit.Usagef("--sign-key: %s: %w", f.signKey, err)
		}
	}
	return opts, nil
}

// program is what the program's own image is made of; nil where none is wanted.
func (f saveFlags) program(a *app.App) (*ownimage.Options, error) {
	if !f.withProgram {
		return nil, nil
	}
	made := &ownimage.Options{Programs: f.programs, Version: a.Build.Version, Commit: a.Build.Commit, Date: a.Build.Date}
	if len(made.Programs) == 0 {
		own, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding this program's own file: %w", err)
		}
		made.Programs = []string{own}
	}
	return made, nil
}

func (f saveFlags) check(a *app.App) error {
	if f.file == "" {
		return exit.Usagef("which file? FILE is missing")
	}
	if info, err := os.Stat(f.file); err == nil && info.IsDir() {
		return exit.Usagef("%s is a folder", f.file).WithHint("name a file in it: %s", filepath.Join(f.file, "bundle.tar"))
	}
	if f.file == "-" && a.OutTTY {
		return exit.Usagef("a bundle does not belong on a terminal").WithHint("redirect it, or name a file")
	}
	if f.volume != 0 && f.volume < write.MinVolume {
		return exit.Usagef("--volume-size: %d bytes are too few; %d at least", f.volume, write.MinVolume)
	}
	if len(f.programs) > 0 && !f.withProgram {
		return exit.Usagef("--program is about --with-program, which is missing")
	}
	if f.overwrite && f.file == "-" {
		return exit.Usagef("--overwrite: what goes to standard output replaces nothing")
	}
	if f.volume != 0 && f.file == "-" {
		return exit.Usagef("--volume-size: what goes to standard output is in one piece")
	}
	return nil
}
