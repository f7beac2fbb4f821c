package incluster

import (
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// installedAt is a run that has installed a product where it usually is.
func installedAt(t *testing.T, name string) install.Options {
	t.Helper()
	product, err := catalogue.Builtin().Product(name)
	if err != nil {
		t.Fatal(err)
	}
	return install.Options{
		Subject: preparation.Subject{
			Product: product, Target: ref.Folder{Host: "registry.example.com"}, PullSecret: traits.PullSecret(product),
			Namespace: product.Cluster.Namespace, HelmRelease: product.Cluster.HelmRelease,
		},
		Credentials: pullsecret.Credentials{Username: "robot", Password: "s3cret"},
	}
}

// advised is what is said about databases after a run.
func advised(run install.Options) string {
	streams, _, messages := terminal.Test("")
	adviseInstances(app.New(streams, view.Build{}), run)
	return messages.String()
}

// What is left to do for databases is said in the words of the product: of its own kind, and with a
// command that makes the secret of this very release.
func TestAdviseInstances(t *testing.T) {
	const command = "and for each of their namespaces run `pgrelocate secret --namespace NAMESPACE --registry registry.example.com"
	tests := []struct {
		product string
		change  func(*install.Options)
		want    string
	}{
		{"tanzu", func(*install.Options) {},
			"\nnext: databases pull with the secret of their own namespace; set in each Postgres resource\n" +
				"  spec: {imagePullSecret: {name: regsecret}}\n" + command + "`\n"},
		{"cloudnative-pg", func(*install.Options) {},
			"\nnext: databases pull with the secret of their own namespace; set in each Cluster resource\n" +
				"  spec: {imagePullSecrets: [{name: regsecret}]}\n" + command + " --product cloudnative-pg`\n"},
		{"tanzu", func(run *install.Options) {
			run.Subject.Namespace, run.Subject.HelmRelease, run.Subject.PullSecret = "databases", "pg", "mine"
		},
			"\nnext: databases pull with the secret of their own namespace; set in each Postgres resource\n" +
				"  spec: {imagePullSecret: {name: mine}}\n" + command + " --operator-namespace databases --helm-release pg --pull-secret mine`\n"},
		{"tanzu", func(run *install.Options) { run.InstanceNamespaces = []string{"demo"} },
			"\nnext: databases pull with the secret of their own namespace; set in each Postgres resource\n" +
				"  spec: {imagePullSecret: {name: regsecret}}\n"},
		{"tanzu", func(run *install.Options) { run.DryRun = true }, ""},
		{"tanzu", func(run *install.Options) { run.Credentials = pullsecret.Credentials{} }, ""},
	}
	for _, tt := range tests {
		run := installedAt(t, tt.product)
		tt.change(&run)
		if got := advised(run); got != tt.want {
			t.Errorf("after installing %s adviseInstances() says %q, want %q", tt.product, got, tt.want)
		}
	}
}

// No product of the catalogue is forgotten: each is told of its own databases, or that nothing is
// known of them.
func TestAdviseInstancesOfEveryProduct(t *testing.T) {
	for _, product := range catalogue.Builtin().Products() {
		got := advised(installedAt(t, product.Name))
		known := false
		for _, kind := range product.Cluster.Databases {
			if kind.PullSecretAt == "" {
				continue
			}
			known = true
			if !strings.Contains(got, "set in each "+kind.Kind+" resource") {
				t.Errorf("after installing %s adviseInstances() says %q, and nothing of %s", product.Name, got, kind.Kind)
			}
		}
		if !known && !strings.Contains(got, "what runs in other namespaces pulls with the secret of its own namespace") {
			t.Errorf("after installing %s adviseInstances() says %q, want the general advice", product.Name, got)
		}
	}
}
