package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// demoNamespace is where the demonstration installs, and what it removes again.
const demoNamespace = "pgrelocate-demo"

// standInOperator is the hidden command that the demonstration's operator runs.
const standInOperator = "stand-in-operator"

// newStandInOperatorCommand does nothing until it is told to end: the demonstration's
// operator is this program itself, for that is one program that is at hand.
func newStandInOperatorCommand() *cobra.Command {
	return &cobra.Command{
		Use:    standInOperator,
		Hidden: true,
		Args:   noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			<-cmd.Context().Done()
			return nil
		},
	}
}

// operator makes the stand-in's operator a program that runs.
func (d *demo) operator(opts *standin.Options) (err error) {
	if d.cluster.Kubeconfig == "" {
		return nil
	}
	opts.OperatorBinary, err = os.Executable()
	opts.OperatorArgs = []string{standInOperator}
	return err
}

// clusterSteps carry the demonstration on into a cluster, where one was named.
func (d *demo) clusterSteps() []demoStep {
	if d.cluster.Kubeconfig == "" {
		return nil
	}
	return []demoStep{
		{"Install from the private registry into the cluster", d.install},
		{"Let the nodes prove that they can pull", d.verifyByNodes},
		{"Uninstall", d.uninstall},
	}
}

// install refuses a cluster that has the real operator, for its CRDs would be changed.
func (d *demo) install(ctx context.Context) error {
	product, err := versions.Builtin().Product(d.cfg.Product)
	if err != nil {
		return err
	}
	cluster, err := d.session(d.cfg).Connect(ctx, d.cluster.Place)
	if err != nil {
		return err
	}
	for _, offer := range product.Cluster.Offers {
		kind := schema.GroupKind{Group: offer.Group, Kind: offer.Kind}
		known, err := cluster.Knows(kind)
		if err != nil {
			return err
		}
		if known && !d.installed {
			return exit.Usagef("this cluster knows %s already, and the demonstration would change that: use another one", kind)
		}
	}
	d.cluster.Namespace = demoNamespace
	d.installed = true
	opts := &installFlags{placeFlags: d.cluster, wait: true}
	opts.Timeout = 2 * time.Minute
	d.note("$ pgrelocate install --registry %s --namespace %s", d.cfg.Registry, demoNamespace)
	return installRelease(ctx, d.app, d.cfg, opts)
}

func (d *demo) verifyByNodes(ctx context.Context) error {
	d.note("$ pgrelocate verify --pull --namespace %s", demoNamespace)
	return verifyInstallation(ctx, d.app, d.cfg, &verifyFlags{placeFlags: d.cluster, pull: true})
}

func (d *demo) uninstall(ctx context.Context) error {
	d.note("$ pgrelocate uninstall --namespace %s", demoNamespace)
	d.installed = false
	return uninstallRelease(ctx, d.app, d.cfg, d.cluster.Place, install.UninstallOptions{})
}

// leaveCluster removes the operator where the demonstration ends early, for it could not
// be pulled again once the private registry is gone.
func (d *demo) leaveCluster(ctx context.Context) {
	if !d.installed {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := d.uninstall(ctx); err != nil && !errors.Is(err, verify.ErrNotInstalled) {
		d.warn("%v", fmt.Errorf("the demonstration's operator stays in namespace %s: %w", demoNamespace, err))
	}
}
