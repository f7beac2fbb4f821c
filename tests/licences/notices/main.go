// Command notices prints the terms of everything that is linked into the program, as its archives
// carry them: each module with its version, and its licences and notices in full. Go's standard
// library is the first.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strings"

	"github.com/pgrelocate/pgrelocate/tests/licences"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("notices: ")
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, w io.Writer) error {
	modules, err := licences.Modules(ctx, ".", licences.Platforms...)
	if err != nil {
		return err
	}
	library, err := standardLibrary(ctx)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, "pgrelocate contains software of others, under the terms below.")
	for _, module := range append([]licences.Module{library}, modules...) {
		if err := write(out, module); err != nil {
			return err
		}
	}
	return out.Flush()
}

// standardLibrary is Go's, whose terms lie in the root of its installation.
func standardLibrary(ctx context.Context) (licences.Module, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return licences.Module{}, fmt.Errorf("go env: %w", err)
	}
	root, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return licences.Module{Path: "the Go standard library", Version: version, Dir: root}, nil
}

// write writes what belongs to one module; one without any terms is an error.
func write(w io.Writer, module licences.Module) error {
	terms, err := module.Terms()
	if err != nil {
		return err
	}
	if len(terms) == 0 {
		return fmt.Errorf("%s %s: no licence in %s", module.Path, module.Version, module.Dir)
	}
	notices, err := module.Notices()
	if err != nil {
		return err
	}
	for _, text := range append(terms, notices...) {
		fmt.Fprintf(w, "\n%s\n%s %s: %s\n%[1]s\n\n", strings.Repeat("=", 80), module.Path, module.Version, text.Name)
		fmt.Fprintln(w, strings.TrimSpace(string(text.Content)))
	}
	return nil
}
