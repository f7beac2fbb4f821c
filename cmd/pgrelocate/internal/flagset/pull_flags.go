package flagset

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/pulling"
	"github.com/pgrelocate/pgrelocate/internal/files"
)

// PullFlags say which credentials go into the cluster.
type PullFlags struct{ file string }

// Add adds the flags.
func (f *PullFlags) Add(fs *pflag.FlagSet) {
	fs.StringVar(&f.file, "pull-credentials-file", "", "give the cluster the credentials in `FILE`, USER:PASSWORD or a docker config; - is standard input")
}

// FromStdin tells whether they are read from standard input, which can be done once.
func (f *PullFlags) FromStdin() bool { return f.file == "-" }

// Given are the credentials in the file that was named, - being standard input; nil where
// none was.
func (f *PullFlags) Given(ctx context.Context, a *app.App) (*pulling.Credentials, error) {
	if f.file == "" {
		return nil, nil
	}
	if f.file == "-" {
		text, err := ReadAll(a.In)
		return &pulling.Credentials{Text: text, From: f.file}, err
	}
	text, err := files.ReadSmall(ctx, f.file, LongestSecret)
	if err != nil && ctx.Err() == nil {
		err = &exit.UsageError{Err: err}
	}
	return &pulling.Credentials{Text: string(text), From: f.file}, err
}
