package config

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Groups of settings that commands take together as flags; see Loader.AddFlags.
var (
	// Common belongs to every command.
	Common = []string{"quiet", "verbose", "no-progress"}
	// Selection says what to relocate.
	Selection = []string{"product", "release", "versions", "editions", "extras", "catalogue"}
	// Connection says how to speak to registries.
	Connection = []string{"ca-file", "plain-http", "jobs", "limit-rate", "stall-timeout", "retry-timeout"}
	// Sides names both registries.
	Sides = []string{"source", "registry", "source-plain-http"}
	// Copying says how to copy.
	Copying = []string{"on-conflict", "platform", "signatures"}
	// Output says how results are written.
	Output = []string{"output"}
)

// settings defines every setting, with its flag, its default and its usage. The order is
// that of docs/configuration.md and of `pgrelocate config`.
func settings(c *Config) *pflag.FlagSet {
	fs := pflag.NewFlagSet("settings", pflag.ContinueOnError)
	fs.SortFlags = false

	fs.StringVar(&c.Product, "product", versions.DefaultProduct, "`NAME` of the product in the catalogue")
	fs.Var(newList(&c.Releases), "release", "`RELEASE`s of the operator, v4.3.1; the newest known where none is named")
	fs.Var(&expression{target: &c.Versions}, "versions", "PostgreSQL `VERSIONS`: 17.5, 17 (its newest minor), '>=14 <17', latest or all")
	fs.Var(newList(&c.Editions), "editions", "`EDITIONS` of the instance images, full and lite; all where none is named")
	fs.Var(newList(&c.Extras, "all"), "extras", "`IMAGES` beside the instances, ferretdb; all or none")
	fs.Var(newFiles(&c.Catalogues), "catalogue", "`FILE` with further products and releases")

	fs.Var((*location)(&c.Source), "source", "copy from `HOST[/PATH]` instead of the product's own registry")
	fs.VarP((*location)(&c.Registry), "registry", "r", "the private registry, `HOST[/PATH]`; without a path the product's usual folder is used")
	fs.BoolVar(&c.SourcePlainHTTP, "source-plain-http", false, "speak plain HTTP to the source")
	fs.BoolVar(&c.PlainHTTP, "plain-http", false, "speak plain HTTP to the private registry; on loopback that is tried anyway")
	fs.Var((*path)(&c.CAFile), "ca-file", "PEM `FILE` with certificate authorities to trust besides the system's")
	fs.Var(newNumber(&c.Jobs, 8, 1, 64), "jobs", "`NUMBER` of requests at once to each registry")
	fs.Var((*rate)(&c.LimitRate), "limit-rate", "bound the traffic with each registry to `RATE` a second, such as 50MiB; 0 is unbounded")
	fs.DurationVar(&c.StallTimeout, "stall-timeout", 30*time.Second, "continue or give up a transfer that has made no progress for this `TIME`")
	fs.DurationVar(&c.RetryTimeout, "retry-timeout", 5*time.Minute, "stop retrying a request after this `TIME` without progress")

	fs.Var(newChoice(&c.OnConflict, registry.ConflictFail, registry.ConflictUpdate, registry.ConflictSkip), "on-conflict",
		"`WHAT` to do where a tag holds other content at the target: fail, update or skip")
	fs.Var(&platform{&c.Platform}, "platform", "copy only this `PLATFORM` of multi-platform images, linux/amd64; the image gets a digest other than the vendor's")
	fs.BoolVar(&c.Signatures, "signatures", true, "copy signatures, attestations, SBOMs and other referrers too")
	fs.Var((*path)(&c.Lock), "lock", "write what was copied, by digest, into `FILE`")

	fs.VarP(newChoice(&c.Output, output.Formats()...), "output", "o", "`FORMAT` of the result: table, json or yaml")
	fs.BoolVarP(&c.Quiet, "quiet", "q", false, "show nothing but results, warnings and errors")
	fs.BoolVarP(&c.Verbose, "verbose", "v", false, "tell about retries, waits and each artifact")
	fs.BoolVar(&c.NoProgress, "no-progress", false, "show no progress")
	return fs
}

// validate checks what concerns more than one setting or has bounds of its own.
func (c *Config) validate() error {
	for _, limit := range []struct {
		key   string
		value time.Duration
	}{{"stall-timeout", c.StallTimeout}, {"retry-timeout", c.RetryTimeout}} {
		if limit.value < time.Second {
			return fmt.Errorf("%s: %s is too short; at least 1s", limit.key, limit.value)
		}
	}
	if c.Quiet && c.Verbose {
		return fmt.Errorf("quiet and verbose exclude each other")
	}
	return nil
}
