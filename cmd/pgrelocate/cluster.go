package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/install"
)

// placeFlags say which cluster, and where in it. They are named as kubectl and helm name them.
type placeFlags struct{ relocate.Place }

// addAccess adds the flags that name the cluster.
func (f *placeFlags) addAccess(fs *pflag.FlagSet) {
	fs.StringVar(&f.Kubeconfig, "kubeconfig", "", "reach the cluster by `FILE`; as kubectl does if not given")
	fs.StringVar(&f.Context, "context", "", "use this `CONTEXT` of the kubeconfig instead of its current one")
}

// addPlace adds the flags that say where the operator is.
func (f *placeFlags) addPlace(fs *pflag.FlagSet) {
	fs.StringVarP(&f.Namespace, "namespace", "n", "", "the operator's `NAMESPACE`; postgres-system for tanzu")
	f.addRelease(fs)
}

func (f *placeFlags) addRelease(fs *pflag.FlagSet) {
	fs.StringVar(&f.HelmRelease, "helm-release", "", "the `NAME` of the helm release; postgres-operator for tanzu")
}

func (f *placeFlags) addPullSecret(fs *pflag.FlagSet) {
	fs.StringVar(&f.PullSecret, "pull-secret", install.DefaultPullSecret, "the `NAME` of the pull secret")
}

// addChartFlags adds the flags that say which chart with which values.
func addChartFlags(fs *pflag.FlagSet, choice *relocate.ChartChoice) {
	fs.StringVar(&choice.File, "chart", "", "take the chart from `FILE` (.tgz) instead of the private registry")
	fs.StringArrayVarP(&choice.User.Files, "values", "f", nil, "lay the values in `FILE` over the rewritten ones; again for more")
	fs.StringArrayVar(&choice.User.Set, "set", nil, "set `KEY=VALUE` on top of that, as helm does; again for more")
	fs.StringArrayVar(&choice.User.SetString, "set-string", nil, "the same, and `KEY=VALUE` is text whatever it looks like")
	fs.Var((*acceptFlag)(&choice.Accept), "accept", "let `PLACE`, KIND/NAME:PATH[=REASON], name what is not in the private registry; again for more")
}

// releaseSettings are the settings that name one release in the private registry.
var releaseSettings = []string{"registry", "product", "release", "catalogue"}

// splitNames reads --instance-namespaces demo,prod.
func splitNames(lists []string) []string {
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
