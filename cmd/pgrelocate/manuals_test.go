package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra/doc"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

var manuals = flag.String("manuals", "", "write the manual pages into `FOLDER` (make extras)")

// Each command that users see has a manual page. With -manuals they are written, for the archives
// of a release; the generator stays out of the program.
func TestManuals(t *testing.T) {
	streams, _, _ := terminal.Test("")
	for _, cmd := range visible(newRootCommand(newApp(streams))) {
		cmd.DisableAutoGenTag = true
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		header := &doc.GenManHeader{Section: "1", Source: "pgrelocate", Manual: "pgrelocate"}
		var page bytes.Buffer
		if err := doc.GenMan(cmd, header, &page); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(page.String(), ".SH NAME") || !strings.Contains(page.String(), cmd.Short) {
			t.Errorf("%s is no manual page of %q:\n%s", name, cmd.Short, page.String())
		}
		if *manuals == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(*manuals, name), page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
