// Package config turns flags, environment variables and config files into one validated
// Config, and remembers where each value came from.
//
// A setting is one line in settings.go and one field of Config; everything else, the flag,
// the PGRELOCATE_ variable, the key in the file and the documentation, follows from it.
// Precedence: a flag beats the environment, the environment beats the files, and
// ./pgrelocate.yaml beats the user's own file.
package config

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// LocalLock is the lock in the working directory that is used without being named, and NoLock the
// word for none.
const (
	LocalLock = "pgrelocate.lock"
	NoLock    = "none"
)

// Source is where a product is taken from in place of its own registries. The zero value keeps
// those.
type Source struct {
	// Folder takes the place of all that Named does not name; zero keeps them.
	ref.Folder
	// Named are by the names that the catalogue gives to registries.
	Named map[string]ref.Folder
}

// Prerequisites say whether what a product does not work without is taken along.
type Prerequisites struct {
	Wanted bool
	// Releases are those of the products that they name; others are the newest known.
	Releases map[string]string
}

// Registries are all targets that are named, in that order.
func (c *Config) Registries() []ref.Folder {
	if c.Registry.IsZero() {
		return nil
	}
	return append([]ref.Folder{c.Registry}, c.Others...)
}

// Config is everything that a user can set, but for credentials, which are read where
// they are used and never kept here. Values are valid one by one; whether a command has
// all that it needs is the command's to say.
type Config struct {
	// Product, Releases, Versions, Editions and Extras are the selection. Whether they
	// exist is for the catalogue to say.
	Product  string
	Releases []string
	Versions postgres.Expression
	Editions []versions.Edition
	Extras   []string
	// ChartImages adds the images that the charts run, or list, and the catalogue lacks.
	ChartImages bool
	// KnownOnly looks for no release that the catalogue lacks.
	KnownOnly bool
	// Axes are the wanted words on further axes, by the axis.
	Axes map[string][]string
	// Prerequisites are the products that the chosen one does not work without.
	Prerequisites Prerequisites
	// Catalogues are files that are merged over the built-in catalogue.
	Catalogues []string

	// Source overrides the product's own registries; Registry is the target, the first of several,
	// and Others are the rest of those.
	Source   Source
	Registry ref.Folder
	Others   []ref.Folder
	// SpoolLimit bounds what is kept on disk for the slower ones of several targets, in bytes.
	SpoolLimit int64

	// SourcePlainHTTP and PlainHTTP allow HTTP on the source and the target.
	SourcePlainHTTP bool
	PlainHTTP       bool
	// CAFile holds further certificate authorities for both sides; empty for none.
	CAFile string
	// Jobs is how many requests each side takes at once.
	Jobs int
	// LimitRate bounds each side, in bytes a second; 0 is unbounded.
	LimitRate int64
	// StallTimeout ends a transfer that makes next to no progress, RetryTimeout an operation that
	// is tried again and again.
	StallTimeout time.Duration
	RetryTimeout time.Duration

	OnConflict plan.OnConflict
	// Check looks for every blob of what is at the target already.
	Check bool
	// Platforms are those that are wanted of indexes, and Index what becomes of these; none keeps
	// them whole.
	Platforms []v1.Platform
	Index     plan.Index
	// Signatures says that signatures, attestations, SBOMs and referrers are copied too.
	Signatures bool

	// Attest puts beside each artifact at the target where it came from.
	Attest bool

	// VerifyKeys are files with public keys, VerifyIdentities who may sign besides, or those whom
	// VerifyIdentityPattern matches, if VerifyIssuer has identified them, or one whom
	// VerifyIssuerPattern matches. TrustedRoot is the file that says whose certificates and logs to
	// believe. None of them asks for no signature.
	VerifyKeys                        []string
	VerifyIdentities                  []string
	VerifyIdentityPattern             string
	VerifyIssuer, VerifyIssuerPattern string
	TrustedRoot                       string
	// VerifyName wants signatures to name the source, AllowUnsigned are patterns for repositories
	// that need none.
	VerifyName    bool
	AllowUnsigned []string
	// MinAge is how old has to be what is copied; AllowUnknownAge lets through what does not say.
	MinAge          time.Duration
	AllowUnknownAge bool

	// Lock is the lock's file: empty for LocalLock where that is there, NoLock for none.
	Lock string

	// StateDir is the folder of what runs leave for each other; empty for the usual place, see
	// StateFolder.
	StateDir string

	// Kubeconfig and Context name the cluster; as kubectl finds it where they are empty.
	Kubeconfig, Context string
	// Namespace and HelmRelease are where the operator is; empty for where the product usually is.
	Namespace, HelmRelease string
	// PullSecret is the name of the pull secrets, empty for the product's usual one; InstanceNamespaces have databases, which need
	// one too.
	PullSecret         string
	InstanceNamespaces []string

	// Events, Metrics, Summary, JUnit and Status are files that a run is reported to; empty for none. Events
	// may be Stdout, and Summary Auto.
	Events, Metrics, Summary, JUnit, Status string

	Output     output.Format
	Quiet      bool
	Verbose    bool
	NoProgress bool
}
