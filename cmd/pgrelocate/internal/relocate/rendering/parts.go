package rendering

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Parts are what is to be done for a release of several charts, in their order: the operator's, and
// then all others but the optional ones that were not copied. Only names one of them, and is that
// one alone; the chart and the values that a user gives are for it, and otherwise for the
// operator's.
func Parts(ctx context.Context, subject preparation.Subject, only string, reg verify.Puller) ([]preparation.Subject, error) {
	if only != "" {
		part, err := partNamed(subject, only)
		return []preparation.Subject{part}, err
	}
	all := []preparation.Subject{subject}
	for _, c := range subject.Release.Beside() {
		copied, err := wasCopied(ctx, subject, c, reg)
		if err != nil {
			return nil, err
		}
		if copied || !c.Optional {
			all = append(all, subject.Other(c))
		}
	}
	return all, nil
}

// partNamed is the one chart of a release that somebody named.
func partNamed(subject preparation.Subject, name string) (preparation.Subject, error) {
	var have []string
	for i, c := range subject.Release.Charts {
		have = append(have, c.Name)
		switch {
		case c.Name != name:
		case i == 0:
			return subject, nil
		default:
			part := subject.Other(c)
			part.Chart, part.User = subject.Chart, subject.User
			return part, nil
		}
	}
	return subject, exit.Usagef("%s is no chart of %s; it has %s", name, subject.Release.Name, strings.Join(have, ", "))
}

// wasCopied tells whether the private registry has a chart of the release.
func wasCopied(ctx context.Context, subject preparation.Subject, c versions.Chart, reg verify.Puller) (bool, error) {
	at := slices.IndexFunc(subject.Artifacts, func(a versions.Artifact) bool { return a.Role == versions.RoleChart && a.Name == c.Name })
	if at < 0 {
		return false, nil
	}
	target := subject.Artifacts[at].Target
	_, err := reg.Resolve(ctx, target.Repository, target.Tag)
	if errors.Is(err, registry.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
