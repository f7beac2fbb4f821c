package main

import (
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
)

// pullFlags say which credentials go into the cluster.
type pullFlags struct{ file string }

func (f *pullFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.file, "pull-credentials-file", "", "give the cluster the credentials in `FILE`, USER:PASSWORD or a docker config; - is standard input")
}

// given are the credentials in the file that was named, - being standard input; nil where
// none was.
func (f *pullFlags) given(a *app) (*relocate.PullCredentials, error) {
	if f.file == "" {
		return nil, nil
	}
	if f.file == "-" {
		text, err := readAll(a.In)
		return &relocate.PullCredentials{Text: text, From: f.file}, err
	}
	file, err := os.Open(f.file)
	if err != nil {
		return nil, &exit.UsageError{Err: err}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, longestSecret))
	return &relocate.PullCredentials{Text: string(text), From: f.file}, err
}
