package advice

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/exporting"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/installing"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/inventory"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/pulling"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/rendering"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/nodes"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions/learning"
)

// ofUseCases is for the causes of package relocate.
func ofUseCases(err error) string {
	var oneLogin *copying.OneLoginError
	if errors.As(err, &oneLogin) {
		return "`pgrelocate login HOST` keeps a login for each"
	}
	var (
		selection *relocate.SelectionError
		differs   *inventory.DiffersError
		charts    *inventory.ChartsError
		file      *rendering.ChartFileError
		nothing   *pulling.NoCredentialsError
		refused   *relocate.RefusedLoginError
		wrong     *inventory.WrongError
		lost      *inventory.LostError
		stranger  *relocate.StrangerError

		undetermined *learning.UndeterminedError
		needed       *installing.PrerequisiteError
	)
	var (
		refuses     *copying.RefusedSparseError
		other       *inventory.OtherProductError
		unreachable *nodes.UnreachableError
		several     *exporting.ChartsError
		unfinished  *copying.UnfinishedError
	)
	switch {
	case errors.As(err, &several):
		return "choose one release with --release"
	case errors.As(err, &unfinished):
		return "run the shards again that have failed or are not done, with the same plan; --shard 1/1 does what is left of all"
	case errors.As(err, &unreachable):
		return ofUnreachable(unreachable)
	case errors.As(err, &refuses) && refuses.Bundled:
		return refuses.Host + " takes no index without all of its images, and the bundle has only some: save it again with --index whole, or with --index strip, which makes an index of the wanted ones"
	case errors.As(err, &refuses):
		return refuses.Host + " takes no index without all of its images: --index whole copies those too, --index strip makes an index of the wanted ones"
	case errors.As(err, &other):
		return "choose what to look for with --product " + other.Holds[0]
	case errors.As(err, &needed):
		return ofNeeded(needed)
	case errors.As(err, &stranger):
		return fmt.Sprintf("if that is right, say so with --config %s, or with --%s", config.LocalFile, stranger.Setting)
	case errors.As(err, &selection):
		return "`pgrelocate versions` lists what is known, and with --discover what the source has; --catalogue FILE adds releases to that"
	case errors.As(err, &undetermined):
		return "a catalogue file can say what belongs to it: --catalogue FILE, see docs/catalogue.md"
	case errors.As(err, &differs):
		return "`pgrelocate load` puts it there"
	case errors.As(err, &lost), errors.As(err, &wrong) && wrong.Registry.IsZero():
		return "pgrelocate copy --check puts back what is gone"
	case errors.As(err, &wrong):
		return "pgrelocate copy --check puts there what is missing" + narrowing(wrong)
	case errors.As(err, &file) && file.Missing():
		return "--chart names a packed chart (helm pull, or helm package FOLDER); without it the private registry's is taken"
	case errors.As(err, &charts) && charts.Found == 0:
		return "--chart FILE takes it from elsewhere"
	case errors.As(err, &charts):
		return "choose one with --release"
	case errors.As(err, &nothing):
		return fmt.Sprintf("log in with `pgrelocate login %s`, or name some with --pull-credentials-file FILE", nothing.Host)
	case errors.As(err, &refused):
		return "the user name or the password is wrong, or the token has expired; nothing was stored"
	}
	return ""
}

// narrowing are the flags by which less is looked for.
func narrowing(wrong *inventory.WrongError) string {
	var flags []string
	if wrong.Versions {
		flags = append(flags, "--versions")
	}
	if wrong.Editions {
		flags = append(flags, "--editions")
	}
	switch len(flags) {
	case 0:
		return ""
	case 1:
		return "; " + flags[0] + " says what to look for"
	}
	return "; " + strings.Join(flags, " and ") + " say what to look for"
}

// ofNeeded says how a prerequisite comes into the registry; empty where that is not the trouble.
func ofNeeded(err *installing.PrerequisiteError) string {
	var absent *preparation.AbsentError
	if !errors.As(err, &absent) {
		return installed(err.Err)
	}
	return fmt.Sprintf("relocate it first: pgrelocate copy --with-prerequisites=%s=%s takes it along", err.Product, absent.Release)
}

// wrongPlace is for runs in which nothing was there at the source: then the place is wrong,
// and not the artifacts.
func wrongPlace(err error) string {
	var partial *exit.PartialError
	if !errors.As(err, &partial) || len(partial.Errors) < max(partial.Total, 1) {
		return ""
	}
	var sources []string
	for _, err := range partial.Errors {
		var artifact *relocate.ArtifactError
		var failed *registry.Error
		if !errors.As(err, &artifact) || !errors.As(err, &failed) || failed.Side != registry.SideSource || !errors.Is(err, registry.ErrNotFound) || isBelow(failed, artifact) {
			return "" // what lacks an image or a layer lies in the right place
		}
		sources = append(sources, artifact.Artifact.Source.String())
	}
	return fmt.Sprintf("nothing at all was found in %s: does it lie in another folder (--source HOST/PATH)?", output.FolderOr(sources, "several registries"))
}

// isBelow tells that it is something of the artifact that failed, and not the artifact itself.
func isBelow(failed *registry.Error, of *relocate.ArtifactError) bool {
	return strings.Contains(failed.Ref, "@") && failed.Ref != of.Artifact.Source.String()
}

// notAtSource is for runs in which some of the selection is not at the source, though it is the
// right place.
func notAtSource(err error) string {
	var partial *exit.PartialError
	if !errors.As(err, &partial) {
		return ""
	}
	for _, err := range partial.Errors {
		var failed *registry.Error
		if errors.As(err, &failed) && failed.Side == registry.SideSource && failed.Host != "" && errors.Is(failed, registry.ErrNotFound) {
			return fmt.Sprintf("%s does not have all that the catalogue says of this release: leave it out with --versions, --editions or --extras, or correct the catalogue with --catalogue FILE", failed.Host)
		}
	}
	return ""
}

// ofUnreachable says where it would have to be relocated to for containerd's sake.
func ofUnreachable(err *nodes.UnreachableError) string {
	if err.Better == "" {
		return "--for k3s, crio and openshift can; or let the chart's values name the private registry: pgrelocate values"
	}
	return fmt.Sprintf("relocate it so that its path ends as the vendor's does, --registry %s; --for k3s, crio and openshift need no such path", err.Better)
}
