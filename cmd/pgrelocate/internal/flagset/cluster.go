package flagset

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/rendering"
)

// DestinationFlags say which cluster, and where in it, where that is no setting: the demonstration goes
// into no cluster that is not named for it.
type DestinationFlags struct{ reaching.Destination }

// AddAccess adds the flags that name the cluster.
func (f *DestinationFlags) AddAccess(fs *pflag.FlagSet) {
	fs.StringVar(&f.Kubeconfig, "kubeconfig", "", "reach the cluster by `FILE`; as kubectl does if not given")
	fs.StringVar(&f.Context, "context", "", "use this `CONTEXT` of the kubeconfig instead of its current one")
}

// DestinationOf is the destination that the settings name.
func DestinationOf(cfg *config.Config) reaching.Destination {
	return reaching.Destination{
		Kubeconfig: cfg.Kubeconfig, Context: cfg.Context,
		Namespace: cfg.Namespace, HelmRelease: cfg.HelmRelease, PullSecret: cfg.PullSecret,
	}
}

// AddChartFlags adds the flags that say which chart with which values.
func AddChartFlags(fs *pflag.FlagSet, choice *rendering.ChartChoice) {
	fs.StringVar(&choice.File, "chart", "", "take the chart from `FILE` (.tgz) instead of the private registry")
	fs.StringArrayVarP(&choice.User.Files, "values", "f", nil, "lay the values in `FILE` over the rewritten ones; again for more")
	fs.StringArrayVar(&choice.User.Set, "set", nil, "set `KEY=VALUE` on top of that, as helm does; again for more")
	fs.StringArrayVar(&choice.User.SetString, "set-string", nil, "the same, and `KEY=VALUE` is text whatever it looks like")
	fs.Var((*AcceptFlag)(&choice.Accept), "accept", "let `PLACE`, KIND/NAME:PATH[=REASON], name what is not in the private registry; again for more")
}

// AddOnlyFlag adds the flag that names one chart of a release.
func AddOnlyFlag(fs *pflag.FlagSet, only *string) {
	fs.StringVar(only, "only", "", "take this `CHART` of the release alone, by its name in the catalogue")
}

// SplitNames reads --instance-namespaces demo,prod.
func SplitNames(lists []string) []string {
	var names []string
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
