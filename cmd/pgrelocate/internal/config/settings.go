package config

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry/admission"
	"github.com/pgrelocate/pgrelocate/internal/registry/fanout"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Groups of settings that commands take together as flags; see Loader.AddFlags.
var (
	// Common belongs to every command.
	Common = []string{"quiet", "verbose", "no-progress"}
	// Charts says what is taken along beside the selection.
	Charts = []string{"with-prerequisites", "chart-images"}
	// Discovery says whether releases are looked for that the catalogue lacks.
	Discovery = []string{"known-only"}
	// Selection says what to relocate.
	Selection = []string{"product", "release", "versions", "editions", "axis", "extras", "catalogue"}
	// Connection says how to speak to registries.
	Connection = []string{"ca-file", "plain-http", "jobs", "limit-rate", "stall-timeout", "retry-timeout"}
	// Sides names both registries.
	Sides = []string{"source", "registry", "source-plain-http"}
	// Several says how to copy to several private registries.
	Several = []string{"spool-limit"}
	// Copying says how to copy.
	Copying = []string{"on-conflict", "check", "platform", "index", "signatures"}
	// Admission says what an artifact has to be for it to be copied: signed, and of an age.
	Admission = []string{"verify-key", "verify-identity", "verify-identity-regexp", "verify-issuer", "verify-issuer-regexp", "trusted-root", "verify-name", "allow-unsigned", "min-age", "allow-unknown-age"}
	// Attesting says whether the target is told where its artifacts came from.
	Attesting = []string{"attest"}
	// Lock says which lock goes with a run.
	Lock = []string{"lock"}
	// State says where runs leave notes for each other.
	State = []string{"state-dir"}
	// Access says which cluster, Place where in it the operator is.
	Access = []string{"kubeconfig", "context"}
	Place  = []string{"namespace", "helm-release"}
	// PullSecret names the pull secrets, InstanceNamespaces those who need one besides the operator.
	PullSecret         = []string{"pull-secret"}
	InstanceNamespaces = []string{"instance-namespaces"}
	// Reports says which files a run is reported to.
	Reports = []string{"events", "metrics", "summary", "junit", "status"}
	// Output says how results are written.
	Output = []string{"output"}
)

// settings defines every setting, with its flag, its default and its usage. The order is
// that of docs/configuration.md and of `pgrelocate config`.
func settings(c *Config) *pflag.FlagSet {
	fs := pflag.NewFlagSet("settings", pflag.ContinueOnError)
	fs.SortFlags = false

	selectionSettings(fs, c)
	sideSettings(fs, c)
	copyingSettings(fs, c)
	admissionSettings(fs, c)
	placeSettings(fs, c)
	reportSettings(fs, c)
	return fs
}

// selectionSettings are what of the catalogue.
func selectionSettings(fs *pflag.FlagSet, c *Config) {
	fs.StringVar(&c.Product, "product", versions.DefaultProduct, "relocate the product `NAME` of the catalogue")
	fs.Var(newList(&c.Releases), "release", "take `RELEASE` of the operator, v4.3.1; the newest known if not given")
	fs.Var(&expression{target: &c.Versions}, "versions", "take these PostgreSQL `VERSIONS`: 17.5, 17 (its newest minor), '>=14 <17', latest or all")
	fs.Var(newList(&c.Editions), "editions", "take these `EDITIONS` of the instance images: full, lite; all if not given")
	fs.Var(&axes{&c.Axes}, "axis", "take these `WORDS` of what else images differ in: os=trixie, flavour=all, gis=none; see pgrelocate products")
	fs.Var(newList(&c.Extras), "extras", "take these `IMAGES` beside the instances: ferretdb, all or none; all but optional ones if not given")
	fs.Var((*prerequisites)(&c.Prerequisites), "with-prerequisites", "take along, or install where it is not there, what the product does not work without; `NAME=RELEASE` chooses another release than the newest known")
	fs.Lookup("with-prerequisites").NoOptDefVal = "true"
	fs.BoolVar(&c.ChartImages, "chart-images", false, "take the images too that the charts run, or list, and the selection lacks, from where the charts name them")
	fs.BoolVar(&c.KnownOnly, "known-only", false, "look nowhere for a release that the catalogue lacks: that is an error then")
	fs.Var(newFiles(&c.Catalogues), "catalogue", "read further products and releases from `FILE`")
}

// sideSettings are from where, to where, and how.
func sideSettings(fs *pflag.FlagSet, c *Config) {
	fs.Var((*source)(&c.Source), "source", "copy from `[NAME=]HOST[/PATH]` instead of the product's own registry, or its registry NAME")
	fs.VarP(&registries{first: &c.Registry, others: &c.Others}, "registry", "r", "the private registry, `HOST[/PATH]`; without a path the product's usual folder is used")
	fs.Var(newSize(&c.SpoolLimit, fanout.DefaultLimit), "spool-limit", "of several private registries, keep at most `SIZE` in the temporary folder of what the slower ones have still to get; beyond that it is read again; 0 keeps nothing")
	fs.BoolVar(&c.SourcePlainHTTP, "source-plain-http", false, "allow plain HTTP to the source; loopback needs no permission")
	fs.BoolVar(&c.PlainHTTP, "plain-http", false, "allow plain HTTP to the private registry; loopback needs no permission")
	fs.Var((*path)(&c.CAFile), "ca-file", "trust the certificate authorities in `FILE` (PEM) too")
	fs.Var(newNumber(&c.Jobs, remote.DefaultJobs, 1, 64), "jobs", "send at most `N` requests at once to each registry")
	fs.Var((*rate)(&c.LimitRate), "limit-rate", "move at most `SIZE` a second from and to each registry, 50MiB; 0 is no limit")
	fs.DurationVar(&c.StallTimeout, "stall-timeout", remote.DefaultStallTimeout, "break off a transfer that has stood still for `TIME`, or moved less than 1 KiB a second, and continue it")
	fs.DurationVar(&c.RetryTimeout, "retry-timeout", remote.DefaultRetryTimeout, "wait `TIME` at most for a registry that fails")
}

// copyingSettings are what is done with artifacts.
func copyingSettings(fs *pflag.FlagSet, c *Config) {
	fs.Var(newChoice(&c.OnConflict, plan.ConflictFail, plan.ConflictUpdate, plan.ConflictSkip), "on-conflict",
		"take this `ACTION` where a tag holds other content at the target: fail, update or skip")
	fs.BoolVar(&c.Check, "check", false, "look for every blob of what is at the target already, and put back what is gone")
	fs.Var(&platforms{target: &c.Platforms}, "platform", "copy only these `PLATFORMS`, linux/amd64,linux/arm64, of multi-platform images; an image that is for others only fails")
	fs.Var(newChoice(&c.Index, plan.IndexAuto, plan.IndexSparse, plan.IndexWhole, plan.IndexStrip), "index",
		"with --platform, copy indexes as `FORM`: sparse (unchanged, with these images alone), whole, or strip (a new one, which no signature of the vendor covers); one platform's image alone or else sparse if not given")
	fs.BoolVar(&c.Signatures, "signatures", true, "copy signatures, attestations, SBOMs and other referrers too")

	fs.BoolVar(&c.Attest, "attest", false, "put a note beside each artifact at the target that says where it came from, when, and by which lock: an in-toto statement, unsigned, as a referrer")
}

// admissionSettings are what artifacts have to be.
func admissionSettings(fs *pflag.FlagSet, c *Config) {
	fs.Var(newFiles(&c.VerifyKeys), "verify-key", "copy only what is signed with the public key in `FILE` (PEM, such as cosign.pub), or in one of several")
	fs.Var(newList(&c.VerifyIdentities), "verify-identity", "copy only what is signed by `IDENTITY`, a mail address or the address of a workflow, or by one of several; needs --verify-issuer and --trusted-root")
	fs.StringVar(&c.VerifyIdentityPattern, "verify-identity-regexp", "", "let any identity sign that the regular expression `PATTERN` matches as a whole")
	fs.StringVar(&c.VerifyIssuer, "verify-issuer", "", "believe the identities that `ISSUER` has identified, https://token.actions.githubusercontent.com")
	fs.StringVar(&c.VerifyIssuerPattern, "verify-issuer-regexp", "", "believe the identities of any issuer that the regular expression `PATTERN` matches as a whole")
	fs.Var((*path)(&c.TrustedRoot), "trusted-root", "believe the certificates and logs in `FILE`, a trusted_root.json of sigstore's; with --verify-key, want its log to know the signature too")
	fs.BoolVar(&c.VerifyName, "verify-name", false, "take no signature that does not name the source as well, HOST/REPOSITORY[:TAG]")
	fs.Var(newList(&c.AllowUnsigned), "allow-unsigned", "ask no signature of `REPOSITORIES` at the source that match these patterns, such as charts/* or ferretdb")
	fs.DurationVar(&c.MinAge, "min-age", 0, "copy nothing that was made less than `TIME` ago, such as 48h, by its vendor's word; 0 asks for no age")
	fs.BoolVar(&c.AllowUnknownAge, "allow-unknown-age", false, "with --min-age, copy what does not say when it was made, too")
}

// placeSettings are files of ours, and the cluster.
func placeSettings(fs *pflag.FlagSet, c *Config) {
	fs.Var((*path)(&c.Lock), "lock", "hold the run against `FILE`, which says by digest what was relocated, and bring it up to date; pgrelocate.lock where that is in the working directory if not given, and none is no file")

	fs.Var((*path)(&c.StateDir), "state-dir", "note in `DIR` which uploads are open, for the next run to go on with; pgrelocate in the user's folder for state if not given")

	fs.Var((*path)(&c.Kubeconfig), "kubeconfig", "reach the cluster by `FILE`; as kubectl does if not given")
	fs.StringVar(&c.Context, "context", "", "use this `CONTEXT` of the kubeconfig instead of its current one")
	fs.StringVarP(&c.Namespace, "namespace", "n", "", "the operator's `NAMESPACE`; postgres-system for tanzu")
	fs.StringVar(&c.HelmRelease, "helm-release", "", "the `NAME` of the helm release; postgres-operator for tanzu")
	fs.StringVar(&c.PullSecret, "pull-secret", "", "the `NAME` of the pull secret; regsecret for tanzu")
	fs.Var(newList(&c.InstanceNamespaces), "instance-namespaces", "these `NAMESPACES`, demo,prod, hold databases, and need the pull secret too")
}

// reportSettings are what is said, and where.
func reportSettings(fs *pflag.FlagSet, c *Config) {
	fs.Var(&special{&c.Events, Stdout}, "events", "add what happens to `FILE` while it happens, a line of JSON each; - is standard output, and no result is written there")
	fs.Var((*path)(&c.Metrics), "metrics", "write metrics for Prometheus into `FILE`, as node_exporter's textfile collector reads them")
	fs.Var(&special{&c.Summary, Auto}, "summary", "write a summary in Markdown into `FILE`; auto adds it to that of the job on GitHub, and writes none elsewhere")
	fs.Var((*path)(&c.JUnit), "junit", "write what became of each artifact into `FILE`, as JUnit's XML")
	fs.Var((*path)(&c.Status), "status", "write how the run ended into `FILE`, in a short line of JSON: /dev/termination-log is what Kubernetes shows")

	fs.VarP(newChoice(&c.Output, output.Formats()...), "output", "o", "write the result as `FORMAT`: table, json or yaml")
	fs.BoolVarP(&c.Quiet, "quiet", "q", false, "show nothing but results, warnings and errors")
	fs.BoolVarP(&c.Verbose, "verbose", "v", false, "tell about each artifact, retries and waits")
	fs.BoolVar(&c.NoProgress, "no-progress", false, "show no progress")
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
	if err := c.checkRegistries(); err != nil {
		return err
	}
	if c.MinAge < 0 {
		return fmt.Errorf("min-age: %s is no age", c.MinAge)
	}
	for _, pattern := range c.AllowUnsigned {
		if err := admission.CheckPattern(pattern); err != nil {
			return fmt.Errorf("allow-unsigned: %q: %w", pattern, err)
		}
	}
	if c.Quiet && c.Verbose {
		return fmt.Errorf("quiet and verbose exclude each other")
	}
	return nil
}
