package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// clusterFlags say which cluster, and where in it. They are named as kubectl and helm
// name them.
type clusterFlags struct {
	kubeconfig, context    string
	namespace, helmRelease string
	pullSecret             string
}

// addAccess adds the flags that name the cluster.
func (f *clusterFlags) addAccess(fs *pflag.FlagSet) {
	fs.StringVar(&f.kubeconfig, "kubeconfig", "", "reach the cluster by `FILE`; as kubectl does if not given")
	fs.StringVar(&f.context, "context", "", "use this `CONTEXT` of the kubeconfig instead of its current one")
}

// addPlace adds the flags that say where the operator is.
func (f *clusterFlags) addPlace(fs *pflag.FlagSet) {
	fs.StringVarP(&f.namespace, "namespace", "n", "", "the operator's `NAMESPACE`; postgres-system for tanzu")
	fs.StringVar(&f.helmRelease, "helm-release", "", "the `NAME` of the helm release; postgres-operator for tanzu")
	f.addPullSecret(fs)
}

func (f *clusterFlags) addPullSecret(fs *pflag.FlagSet) {
	fs.StringVar(&f.pullSecret, "pull-secret", install.DefaultPullSecret, "the `NAME` of the pull secret")
}

// complete fills in what the product says.
func (f *clusterFlags) complete(product *versions.Product) {
	traits := install.TraitsOf(product)
	if f.namespace == "" {
		f.namespace = traits.Namespace
	}
	if f.helmRelease == "" {
		f.helmRelease = traits.HelmRelease
	}
}

func (f *clusterFlags) connect(ctx context.Context, a *app) (*cluster.Cluster, error) {
	found, err := cluster.Connect(ctx, cluster.Access{Kubeconfig: f.kubeconfig, Context: f.context, UserAgent: userAgent()})
	if err == nil {
		a.detail("cluster %s, kubernetes %s", found.Host(), found.Version())
	}
	return found, err
}

// chartFlags say which chart with which values.
type chartFlags struct {
	file string
	// given is a chart that was found otherwise; it may be nil.
	given *chart.Chart
	user  chart.UserValues
}

func (f *chartFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.file, "chart", "", "take the chart from `FILE` (.tgz) instead of the private registry")
	fs.StringArrayVarP(&f.user.Files, "values", "f", nil, "lay the values in `FILE` over the rewritten ones; again for more")
	fs.StringArrayVar(&f.user.Set, "set", nil, "set `KEY=VALUE` on top of that, as helm does; again for more")
	fs.StringArrayVar(&f.user.SetString, "set-string", nil, "the same, and `KEY=VALUE` is text whatever it looks like")
}

// releaseSettings are the settings that name one release in the private registry.
var releaseSettings = []string{"registry", "product", "release", "catalogue"}

// product is the product of the settings.
func (a *app) product(cfg *config.Config) (*versions.Catalogue, *versions.Product, error) {
	catalogue, err := a.catalogue(cfg)
	if err != nil {
		return nil, nil, err
	}
	product, err := catalogue.Product(cfg.Product)
	return catalogue, product, err
}

// subject is the one release that the settings name, with everything that belongs to it.
func (a *app) subject(cfg *config.Config, flags *clusterFlags, of chartFlags) (install.Subject, error) {
	subject := install.Subject{User: of.user, Chart: of.given}
	if err := needRegistry(cfg); err != nil {
		return subject, err
	}
	if len(cfg.Releases) > 1 {
		return subject, exit.Usagef("one release at a time, not %s", strings.Join(cfg.Releases, " and "))
	}
	catalogue, product, err := a.product(cfg)
	if err != nil {
		return subject, err
	}
	if of.file != "" {
		if subject.Chart, err = chart.ReadFile(of.file); err != nil {
			return subject, &exit.UsageError{Err: err}
		}
	}
	flags.complete(product)
	subject.Product, subject.PullSecret = product, flags.pullSecret
	subject.Namespace, subject.HelmRelease = flags.namespace, flags.helmRelease
	if subject.Release, err = product.Release(releaseName(cfg, product, subject.Chart)); err != nil {
		return subject, err
	}
	subject.Artifacts, err = versions.Select(catalogue, versions.Selection{
		Product: product.Name, Releases: []string{subject.Release.Name}, Target: cfg.Registry,
	})
	subject.Target = targetOf(cfg, product)
	return subject, err
}

// releaseName is the release that was asked for, else the one that the chart belongs to.
func releaseName(cfg *config.Config, product *versions.Product, given *chart.Chart) string {
	if len(cfg.Releases) == 1 {
		return cfg.Releases[0]
	}
	if given != nil {
		if _, err := product.Release(given.Version()); err == nil {
			return given.Version()
		}
	}
	return ""
}

// targetOf is the folder in the private registry.
func targetOf(cfg *config.Config, product *versions.Product) ref.Folder {
	target := cfg.Registry
	if target.Path == "" {
		target.Path = product.Target
	}
	return target
}

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
