package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
)

// namespace is where the demonstration installs, and what it removes again.
const namespace = "pgrelocate-demo"

// OperatorCommand is the hidden command that the demonstration's operator runs: it does nothing
// until it is told to end. The operator is this program itself, for that is one that is at hand.
const OperatorCommand = "stand-in-operator"

// operator makes the stand-in's operator a program that runs.
func (d *demo) operator(opts *standin.Options) (err error) {
	if d.Destination.Kubeconfig == "" {
		return nil
	}
	opts.OperatorBinary, err = os.Executable()
	opts.OperatorArgs = []string{OperatorCommand}
	return err
}

// clusterSteps carry the demonstration on into a cluster, where one was named.
func (d *demo) clusterSteps() []step {
	if d.Destination.Kubeconfig == "" {
		return nil
	}
	return []step{
		{"Install from the private registry into the cluster", d.install},
		{"Let the nodes prove that they can pull", d.verifyByNodes},
		{"Uninstall", d.uninstall},
	}
}

// install refuses a cluster that has the real operator, for its CRDs would be changed.
func (d *demo) install(ctx context.Context) error {
	product, err := catalogue.Builtin().Product(d.cfg.Product)
	if err != nil {
		return err
	}
	cluster, err := reaching.Connect(ctx, relocate.New(d.cfg, relocate.Options{UserAgent: d.UserAgent}), d.Destination)
	if err != nil {
		return err
	}
	for _, offer := range product.Cluster.Offers {
		kind := schema.GroupKind{Group: offer.Group, Kind: offer.Kind}
		known, err := cluster.Knows(ctx, kind)
		if err != nil {
			return err
		}
		if known && !d.installed {
			return exit.Usagef("this cluster knows %s already, and the demonstration would change that: use another one", kind)
		}
	}
	d.Destination.Namespace = namespace
	d.installed = true
	d.Note("$ pgrelocate install --registry %s --namespace %s", d.cfg.Registry, namespace)
	return d.Install(ctx, d.cfg, d.Destination)
}

func (d *demo) verifyByNodes(ctx context.Context) error {
	d.Note("$ pgrelocate verify --pull --namespace %s", namespace)
	return d.Verify(ctx, d.cfg, d.Destination)
}

func (d *demo) uninstall(ctx context.Context) error {
	d.Note("$ pgrelocate uninstall --namespace %s", namespace)
	d.installed = false
	return d.Uninstall(ctx, d.cfg, d.Destination)
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
		d.Warn("%v", fmt.Errorf("the demonstration's operator stays in namespace %s: %w", namespace, err))
	}
}
