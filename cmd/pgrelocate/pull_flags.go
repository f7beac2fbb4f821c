package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/files"
)

// pullFlags say which credentials go into the cluster.
type pullFlags struct{ file string }

func (f *pullFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.file, "pull-credentials-file", "", "give the cluster the credentials in `FILE`, USER:PASSWORD or a docker config; - is standard input")
}

// given are the credentials in the file that was named, - being standard input; nil where
// none was.
func (f *pullFlags) given(ctx context.Context, a *app) (*relocate.PullCredentials, error) {
	if f.file == "" {
		return nil, nil
	}
	if f.file == "-" {
		text, err := readAll(a.In)
		return &relocate.PullCredentials{Text: text, From: f.file}, err
	}
	text, err := files.ReadSmall(ctx, f.file, longestSecret)
	if err != nil && ctx.Err() == nil {
		err = &exit.UsageError{Err: err}
	}
	return &relocate.PullCredentials{Text: string(text), From: f.file}, err
}
