package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// What a flag does with the file that it names. A flag that is new has to be thought about.
var (
	readsFile = map[string]string{ // by a command that reads it before it asks anybody for anything
		"config": "products", "catalogue": "versions", "ca-file": "plan --registry 127.0.0.1:1",
		"verify-key": "plan --registry 127.0.0.1:1", "trusted-root": "plan --registry 127.0.0.1:1 --verify-issuer https://a --verify-identity b",
		"plan": "copy --registry 127.0.0.1:1", "images": "copy --registry 127.0.0.1:1", "keep": "prune --registry 127.0.0.1:1 --lock pg.lock",
		"last-run": "report --registry 127.0.0.1:1", "since": "save x.tar", "sign-key": "save x.tar", "public-key": "load x.tar --registry 127.0.0.1:1",
		"kubeconfig": "uninstall", "htpasswd": "serve --listen 127.0.0.1:0 pg.lock",
	}
	writesFile = map[string]string{
		"lock": "copy --registry 127.0.0.1:1", "plan-out": "plan --registry 127.0.0.1:1", "metrics": "copy --registry 127.0.0.1:1",
		"summary": "copy --registry 127.0.0.1:1", "junit": "copy --registry 127.0.0.1:1", "status": "copy --registry 127.0.0.1:1",
		"html": "report --registry 127.0.0.1:1",
	}
	// otherFile are tested elsewhere: what is printed where no file is named takes - for that as well.
	otherFile = []string{"file", "output", "events", "bundle", "chart", "values", "pull-credentials-file", "tls-cert", "tls-key", "into", "state-dir", "spool-dir", "tls-self-signed", "dir"}
)

// Every flag that names a file says that it was it, exit code 2, where that cannot be what it is named for; and
// nobody was asked for anything by then.
func TestFilesThatCannotBe(t *testing.T) {
	elsewhere(t)
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("pg.lock", []byte(`{"schema": "pgrelocate.lock/v2", "artifacts": [], "blobs": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	try := func(flag, command, file string) {
		streams, _, messages := terminal.Test("")
		args := append(strings.Fields(command), "--"+flag, file)
		code := run(t.Context(), args, streams)
		if text := messages.String(); code != exit.Usage || !strings.Contains(text, file) || flag != "keep" && !strings.Contains(text, flag) { // a folder may be a bundle
			t.Errorf("%s: exit code %d, %s; want %d, and what was named by what", strings.Join(args, " "), code, text, exit.Usage)
		}
	}
	for flag, command := range readsFile {
		try(flag, command, "folder")
		try(flag, command, "gone")
		try(flag, command, "/dev/zero")
	}
	for flag, command := range writesFile {
		try(flag, command, "folder")
		try(flag, command, "gone/x")
		try(flag, command, "-")
		try(flag, command, os.DevNull)
		if _, err := os.Lstat("-"); err == nil {
			t.Errorf("--%s wrote a file called -", flag)
		}
	}
}

func TestEveryFileIsThoughtAbout(t *testing.T) {
	known := map[string]bool{}
	for flag := range readsFile {
		known[flag] = true
	}
	for flag := range writesFile {
		known[flag] = true
	}
	for _, flag := range otherFile {
		known[flag] = true
	}
	streams, _, _ := terminal.Test("")
	var look func(*cobra.Command)
	look = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if kind, _ := pflag.UnquoteUsage(flag); (kind == "FILE" || kind == "FOLDER" || kind == "DIR") && !known[flag.Name] {
				t.Errorf("%s --%s %s is in no list above: what does it do with a folder, with -, with nothing there?", cmd.CommandPath(), flag.Name, kind)
			}
		})
		for _, sub := range cmd.Commands() {
			look(sub)
		}
	}
	look(newRootCommand(newApp(streams)))
}
